"""Between what one process reads and what it then writes another may write: the server itself holds to the promise."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage import inserting, writing
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_adapters.storage.qdrant_collection import QdrantCollection
from memoryos_adapters.storage.qdrant_engine import QdrantEngine
from memoryos_adapters.storage.qdrant_http import QdrantHttp
from memoryos_adapters.storage.requests import Plan
from memoryos_ports.memory import Memory, only_pages
from tests.contract.storage.conftest import drop
from tests.contract.storage.indexes import ANN, EAST, NORTH, STAMP, collection_of, find, make_entry, make_page
from tests.support.qdrant_facade.process import QdrantFacade

T = TypeVar("T")

OLD, NEW = make_page("e", "green tea"), make_page("e", "black tea")

Step = Callable[[QdrantMemory], Awaitable[Any]]


@pytest.fixture
def settings(facade: QdrantFacade, tmp_path: Path) -> Iterator[QdrantSettings]:
    """A collection of the test's own, which nobody has made yet."""
    yield QdrantSettings(url=facade.url, collection=collection_of(tmp_path))
    drop(facade.url, tmp_path)


class InterruptedCollection(QdrantCollection):
    """A collection to which somebody else does something right before each write."""

    meanwhile: Callable[[], Awaitable[Any]]

    async def call(self, method: str, path: str, body: bytes, *, answer: type[T]) -> T:
        if path.startswith("/points/batch"):
            await self.meanwhile()
        return await super().call(method, path, body, answer=answer)


async def stored(memory: QdrantMemory) -> list[Memory]:
    """Return what there is of the page."""
    return await memory.get(ANN, [OLD.id])


@pytest.mark.parametrize(
    ("before", "plan", "meanwhile", "after"),
    [
        pytest.param(
            None,
            lambda: inserting.insert([[make_entry(NEW, EAST, EAST)]], "ours"),
            lambda memory: memory.insert([make_entry(OLD, NORTH)]),
            [OLD],
            id="an insert after an insert",
        ),
        pytest.param(
            make_entry(OLD, NORTH),
            lambda: writing.put([make_entry(NEW, EAST, EAST)]),
            lambda memory: memory.delete(ANN, [OLD.id]),
            [],
            id="a put after a delete",
        ),
        pytest.param(
            make_entry(OLD, NORTH, EAST),
            lambda: writing.delete(ANN, [OLD.id]),
            lambda memory: memory.put([make_entry(NEW, NORTH)]),
            [],
            id="a delete after a put",
        ),
        pytest.param(
            make_entry(OLD, NORTH, EAST),
            lambda: writing.supersede(ANN, [OLD.id]),
            lambda memory: memory.delete(ANN, [OLD.id]),
            [],
            id="a supersession after a delete",
        ),
    ],
)
async def test_what_came_in_between_stands(
    settings: QdrantSettings, before: Any, plan: Callable[[], Plan[Any]], meanwhile: Step, after: list[Memory]
) -> None:
    async with QdrantMemory.open(settings, STAMP) as memory, QdrantHttp.open(settings) as http:
        await memory.insert([before] if before else [])
        collection = InterruptedCollection(http, settings, STAMP)
        collection.meanwhile = lambda: meanwhile(memory)

        await QdrantEngine(collection, quantized=False).run(plan())

        assert await stored(memory) == after
        assert await find(memory, "tea", vector=NORTH) == {page.event_id for page in only_pages(after)}


async def test_a_page_that_is_erased_while_it_is_deleted_leaves_no_tombstone(settings: QdrantSettings) -> None:
    async with QdrantMemory.open(settings, STAMP) as memory, QdrantHttp.open(settings) as http:
        await memory.insert([make_entry(OLD, NORTH, EAST)])
        collection = InterruptedCollection(http, settings, STAMP)
        collection.meanwhile = lambda: memory.erase(ANN)

        await QdrantEngine(collection, quantized=False).run(writing.delete(ANN, [OLD.id]))

        assert await memory.insert([make_entry(NEW)]) == []
