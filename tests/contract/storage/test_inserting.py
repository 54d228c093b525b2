"""One event_id with different contents at the same time: one of them is there in the end, whole, and nothing else."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage import writing
from memoryos_adapters.storage.conditions import Clause
from memoryos_adapters.storage.edge_index import EdgeIndex
from memoryos_adapters.storage.inserting import insert
from memoryos_adapters.storage.payload import content_of
from memoryos_adapters.storage.qdrant_collection import QdrantCollection
from memoryos_adapters.storage.qdrant_engine import QdrantEngine
from memoryos_adapters.storage.qdrant_http import QdrantHttp
from memoryos_adapters.storage.requests import Plan, Scroll, ask
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import IndexEntry
from tests.contract.storage.conftest import drop
from tests.contract.storage.indexes import ANN, EAST, NORTH, STAMP, UP, collection_of, make_entry, make_page
from tests.contract.storage.interleaving import cut_short, interleaved, meanwhile, torn
from tests.support.qdrant_facade.process import QdrantFacade

Run: TypeAlias = Callable[[Plan[Any]], Awaitable[Any]]

_FIELDS = ("page", "page_id", "number", "start", "content_hash", "unfinished", "chunks", "deleted", "search_scope")
_VECTORS = (NORTH, EAST, UP)


@pytest.fixture(params=["qdrant-edge", "qdrant-facade"])
async def run(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Run]:
    """How to run a plan on an empty index of one kind."""
    if request.param == "qdrant-edge":
        async with on_edge(tmp_path) as edge:
            yield edge
        return
    facade: QdrantFacade = request.getfixturevalue("facade")
    settings = QdrantSettings(url=facade.url, collection=collection_of(tmp_path))
    async with QdrantHttp.open(settings) as http:
        yield QdrantEngine(QdrantCollection(http, settings, STAMP), quantized=False).run
    drop(facade.url, tmp_path)


@asynccontextmanager
async def on_edge(directory: Path) -> AsyncIterator[Run]:
    """Open an index in this process."""
    index = EdgeIndex.open(directory, STAMP, reserve_bytes=0)

    async def run(plan: Plan[Any]) -> Any:
        return index.run(plan)

    try:
        yield run
    finally:
        index.close()


def event(content: str, *chunks: int, name: str = "e") -> list[IndexEntry]:
    """Return the pages of an event, of so many chunks each."""
    return [
        make_entry(make_page(name, f"{content} {index}", index=index, content_hash=content), *_VECTORS[:number])
        for index, number in enumerate(chunks)
    ]


def ids_of(entries: list[IndexEntry]) -> list[MemoryId]:
    """Return the ids of an event's pages."""
    return [entry.memory.id for entry in entries]


async def points(run: Run) -> list[tuple[str, dict[str, Any]]]:
    """Return all there is in the index, but for who brought it."""
    found = await run(ask(Scroll(wanted=Clause(must=()), limit=None, fields=_FIELDS)))
    return sorted((id, {name: value for name, value in payload.items() if value is not None}) for id, payload in found)


def names() -> Iterator[str]:
    """Return names for insertions."""
    return iter(f"claim{number}" for number in range(10**6))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "cut"])
async def test_one_content_wins_whole_whatever_comes_in_between(run: Run, seed: int, is_cut: bool) -> None:
    """Deliveries of three contents in turns, their writes point by point; if one is cut short, each comes again."""
    chance, claims = random.Random(seed), names()
    events = [event(content, *chance.choices((1, 2, 3), k=chance.randint(1, 3))) for content in ("a", "b", "c")]
    delivered = [*events, *chance.choices(events, k=2)]
    plans: list[Plan[Any]] = [torn(insert([entries], next(claims))) for entries in delivered]
    if is_cut:
        victim = chance.randrange(len(plans))
        plans[victim] = cut_short(plans[victim], chance.randint(1, 8))

    told = await run(interleaved(plans, chance))
    if is_cut:
        told = [await run(insert([entries], next(claims))) for entries in delivered]

    left = await points(run)
    (winner,) = {payload["content_hash"] for _, payload in left if "content_hash" in payload}
    for entries, (known,) in zip(delivered, told, strict=True):
        if content_of(entries[0].memory) != winner:
            assert known == ids_of(entries)
    await run(writing.erase(ANN))
    await run(insert([next(it for it in events if content_of(it[0].memory) == winner)], next(claims)))
    assert left == await points(run)


async def test_a_later_page_that_another_content_took_is_given_to_whom_the_first_page_is(run: Run) -> None:
    winner, loser = event("a", 1, 2), event("b", 1, 3)
    await run(insert([winner[:1]], "one"))
    await run(cut_short(insert([loser], "other"), 1))

    await run(insert([winner], "again"))

    assert [payload["content_hash"] for _, payload in await points(run) if "page" in payload] == ["a", "a"]
    assert len(await points(run)) == 3


async def test_contents_that_are_inserted_together_are_told_apart(run: Run) -> None:
    short, long = event("a", 1), event("b", 1, 2)

    assert await run(insert([short, long], "ours")) == [[], ids_of(long)]

    assert [payload["content_hash"] for _, payload in await points(run)] == ["a"]


async def test_pages_that_come_later_are_of_whom_the_first_page_is(run: Run) -> None:
    first, later = event("a", 1), event("b", 1, 2, 1)[1:]
    await run(insert([first], "one"))

    assert await run(insert([later], "other")) == [ids_of(later)]

    assert [id for id, _ in await points(run)] == ids_of(first)


async def test_a_content_whose_first_page_was_edited_still_holds_its_event(run: Run) -> None:
    first, other = event("a", 1), event("b", 1, 1)
    await run(insert([first], "one"))
    await run(writing.put([make_entry(make_page("e", "edited", content_hash="a"), NORTH)]))

    assert await run(insert([other], "other")) == [ids_of(other)]

    assert [id for id, _ in await points(run)] == ids_of(first)


@pytest.mark.parametrize("after", [1, 2])
async def test_a_page_whose_insertion_was_cut_short_gets_its_chunks_from_the_next(run: Run, after: int) -> None:
    entries, other = event("a", 3), event("b", 3)
    await run(cut_short(insert([entries], "one"), after))
    assert len(await points(run)) == 1

    assert await run(insert([other], "other")) == [ids_of(other)]
    assert len(await points(run)) == 1
    assert await run(insert([entries], "again")) == [ids_of(entries)]

    assert [payload.get("number") for _, payload in sorted(await points(run), key=lambda it: it[1]["number"])] == [
        0,
        1,
        2,
    ]
    assert all("unfinished" not in payload for _, payload in await points(run))


@pytest.mark.parametrize("chunks", [1, 3])
async def test_a_page_that_was_edited_gets_no_chunks_of_what_it_was(run: Run, chunks: int) -> None:
    entries = event("a", 3)
    await run(cut_short(insert([entries], "one"), 2))
    edited = make_entry(make_page("e", "edited", content_hash="a"), *_VECTORS[:chunks])
    await run(writing.put([edited]))

    assert await run(insert([entries], "again")) == [ids_of(entries)]

    assert len(await points(run)) == chunks


@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize(
    ("other", "left"),
    [
        pytest.param(lambda ids: writing.delete(ANN, ids), 1, id="deleted"),
        pytest.param(lambda ids: writing.erase(ANN), 0, id="erased"),
        pytest.param(
            lambda ids: writing.put([make_entry(make_page("e", "edited", content_hash="a"), NORTH)]), 1, id="edited"
        ),
        pytest.param(lambda ids: writing.supersede(ANN, ids), 3, id="superseded"),
    ],
)
async def test_what_befalls_a_page_before_its_chunks_come_befalls_them(
    run: Run, other: Callable[[list[MemoryId]], Plan[Any]], left: int, after: int
) -> None:
    entries = event("a", 3)

    await run(meanwhile(insert([entries], "ours"), after, other(ids_of(entries))))

    found = await points(run)
    assert len(found) == left
    assert [payload for _, payload in found if "page" not in payload and "search_scope" in payload] == []
