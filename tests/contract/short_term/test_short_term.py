"""What every short-term store promises."""

import asyncio
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memoryos_ports.cursor import position_of
from memoryos_ports.ids import MemoryId, SessionId
from memoryos_ports.memory import Page
from memoryos_ports.short_term import ShortTermStore
from tests.contract.short_term.makers import ANA, OTHERS, S1, S2, ids_of, make_page, make_pages
from tests.contract.short_term.stores import Opener


async def test_an_appended_turn_is_there_with_every_field(store: ShortTermStore) -> None:
    page = make_page(
        "I like tea 🍵\n二",
        name="Ana",
        metadata={"nested": [1, None, {"a": 0.5}]},
        source="mcp",
        partial=True,
        sensitive=True,
        superseded=True,
        quarantined=True,
        follows=MemoryId("before"),
    )
    await store.append([page])
    assert await store.recent(ANA, S1, limit=10) == [page]
    assert await store.unindexed(ANA, limit=10) == [page]


async def test_append_of_nothing_changes_nothing(store: ShortTermStore) -> None:
    await store.append([])
    assert await store.unindexed(ANA, limit=10) == []


async def test_a_known_turn_stays_as_it_is(store: ShortTermStore) -> None:
    page = make_page("first")
    await store.append([page])
    await store.append([msgspec.structs.replace(page, text="second", session_id=S2), page])
    assert await store.recent(ANA, S1, limit=10) == [page]
    assert await store.recent(ANA, S2, limit=10) == []


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_turns_are_ordered_by_timestamp_acceptance_and_index(
    store: ShortTermStore, order: tuple[int, ...]
) -> None:
    pages = [
        make_page("d", at=1, accepted=9),
        make_page("c", at=2, accepted=1, index=7),
        make_page("b", at=2, accepted=2, index=0),
        make_page("a", at=2, accepted=2, index=1),
    ]
    await store.append([pages[place] for place in order])
    assert await store.recent(ANA, S1, limit=10) == pages
    assert await store.unindexed(ANA, limit=10) == pages


async def test_times_a_microsecond_apart_keep_their_order(store: ShortTermStore) -> None:
    first = make_page("far ahead", at=200_000_000_000)
    later = msgspec.structs.replace(first, id=MemoryId("0"), timestamp=first.timestamp + timedelta(microseconds=1))
    await store.append([later, first])
    assert await store.recent(ANA, S1, limit=10) == [first, later]


async def test_recent_returns_the_newest_turns_newest_last(store: ShortTermStore) -> None:
    pages = make_pages(5)
    await store.append(pages)
    assert await store.recent(ANA, S1, limit=2) == pages[3:]


async def test_recent_sees_one_session(store: ShortTermStore) -> None:
    here, there, nowhere = make_page("a"), make_page("b", session=S2), make_page("c", session=None)
    await store.append([here, there, nowhere])
    assert await store.recent(ANA, S1, limit=10) == [here]
    assert await store.recent(ANA, S2, limit=10) == [there]
    assert await store.recent(ANA, SessionId("s3"), limit=10) == []


async def test_unindexed_sees_every_session(store: ShortTermStore) -> None:
    pages = [make_page("a", at=1, session=S2), make_page("b", at=2), make_page("c", at=3, session=None)]
    await store.append(pages)
    assert await store.unindexed(ANA, limit=10) == pages
    assert await store.unindexed(ANA, limit=2) == pages[1:]


async def test_unindexed_sees_one_session_when_it_is_named(store: ShortTermStore) -> None:
    here, there, nowhere = make_page("a", at=1), make_page("b", at=2, session=S2), make_page("c", at=3, session=None)
    await store.append([here, there, nowhere])
    assert await store.unindexed(ANA, limit=10, session_id=S1) == [here]
    assert await store.unindexed(ANA, limit=10, session_id=SessionId("s3")) == []


async def test_unindexed_goes_on_after_any_of_its_turns(store: ShortTermStore) -> None:
    tied = [make_page(name, at=1, index=index) for name, index in (("a", 0), ("b", 0), ("c", 1))]
    pages = sorted([*make_pages(3), *tied], key=position_of)
    await store.append(pages)
    for place, page in enumerate(pages):
        assert await store.unindexed(ANA, limit=10, after=position_of(page)) == pages[:place]
        assert await store.unindexed(ANA, limit=1, after=position_of(page)) == pages[:place][-1:]


async def test_get_returns_what_is_kept_in_the_order_asked_for(store: ShortTermStore) -> None:
    first, second, unknown = make_pages(3)
    await store.append([first])
    await store.append([second], indexed=True)
    assert await store.get(ANA, ids_of(second, unknown, first)) == [second, first]
    assert await store.get(ANA, []) == []
    for other in OTHERS:
        assert await store.get(other, ids_of(first, second)) == []


async def test_turns_of_one_scope_never_show_in_another(store: ShortTermStore) -> None:
    page = make_page("mine")
    await store.append([page])
    for other in OTHERS:
        assert await store.recent(other, S1, limit=10) == []
        assert await store.unindexed(other, limit=10) == []
        await store.mark_indexed(other, [page.id])
        await store.remove(other, [page.id])
    assert await store.recent(ANA, S1, limit=10) == [page]
    assert await store.unindexed(ANA, limit=10) == [page]


async def test_one_append_may_carry_turns_of_several_scopes(store: ShortTermStore) -> None:
    pages = [make_page("a", scope=scope) for scope in (ANA, *OTHERS)]
    await store.append(pages)
    assert [await store.recent(page.scope, S1, limit=10) for page in pages] == [[page] for page in pages]


async def test_mark_indexed_takes_turns_out_of_unindexed_only(store: ShortTermStore) -> None:
    first, second = make_pages(2)
    await store.append([first, second])
    await store.mark_indexed(ANA, ids_of(first))
    assert await store.unindexed(ANA, limit=10) == [second]
    assert await store.recent(ANA, S1, limit=10) == [first, second]


async def test_mark_indexed_ignores_unknown_ids(store: ShortTermStore) -> None:
    page = make_page("late")
    await store.mark_indexed(ANA, [page.id])
    await store.mark_indexed(ANA, [])
    await store.append([page])
    assert await store.unindexed(ANA, limit=10) == [page]


async def test_turns_appended_as_indexed_are_not_unindexed(store: ShortTermStore) -> None:
    page = make_page("a")
    await store.append([page], indexed=True)
    assert await store.unindexed(ANA, limit=10) == []
    assert await store.recent(ANA, S1, limit=10) == [page]


async def test_a_known_turn_that_comes_as_indexed_is_noted_as_such(store: ShortTermStore) -> None:
    page = make_page("a")
    await store.append([page])
    await store.append([page], indexed=True)
    await store.append([page])
    assert await store.unindexed(ANA, limit=10) == []


async def test_a_session_is_bounded_to_its_newest_turns(opener: Opener, tmp_path: Path) -> None:
    pages = make_pages(6)
    other = make_page("other", session=S2)
    async with opener(tmp_path, per_session=3) as store:
        await store.append([other], indexed=True)
        await store.append([*pages[3:], *pages[:3]], indexed=True)
        assert await store.recent(ANA, S1, limit=10) == pages[3:]
        assert await store.recent(ANA, S2, limit=10) == [other]


async def test_the_bound_never_drops_a_turn_that_the_index_lacks(opener: Opener, tmp_path: Path) -> None:
    pages = make_pages(6)
    async with opener(tmp_path, per_session=3) as store:
        await store.append(pages)
        assert await store.unindexed(ANA, limit=10) == pages
        await store.mark_indexed(ANA, ids_of(*pages[1:]))
        assert await store.recent(ANA, S1, limit=10) == [pages[0], *pages[3:]]
        await store.mark_indexed(ANA, ids_of(pages[0]))
        assert await store.recent(ANA, S1, limit=10) == pages[3:]


async def test_removed_turns_are_gone(store: ShortTermStore) -> None:
    first, second = make_pages(2)
    await store.append([first, second])
    await store.remove(ANA, ids_of(first))
    assert await store.recent(ANA, S1, limit=10) == [second]
    assert await store.unindexed(ANA, limit=10) == [second]


@pytest.mark.parametrize("indexed", [False, True])
async def test_a_removed_turn_does_not_come_back(store: ShortTermStore, indexed: bool) -> None:
    page = make_page("a")
    await store.append([page])
    await store.remove(ANA, [page.id])
    await store.remove(ANA, [page.id])
    await store.append([page], indexed=indexed)
    assert await store.recent(ANA, S1, limit=10) == []
    assert await store.unindexed(ANA, limit=10) == []


async def test_a_late_append_does_not_bring_a_turn_that_was_removed_before_it_came(store: ShortTermStore) -> None:
    removed, other = make_pages(2)
    await store.remove(ANA, [removed.id])
    await store.append([removed, other])
    assert await store.recent(ANA, S1, limit=10) == [other]


async def test_concurrent_appends_all_arrive(store: ShortTermStore) -> None:
    pages = make_pages(40)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for page in pages:
            group.create_task(store.append([page]))
    assert await store.recent(ANA, S1, limit=100) == pages


async def test_ping_returns_when_the_store_answers(store: ShortTermStore) -> None:
    await store.ping()


async def test_turns_marks_and_removals_are_there_after_a_restart(durable_opener: Opener, tmp_path: Path) -> None:
    first, second, third = make_pages(3)
    async with durable_opener(tmp_path) as store:
        await store.append([first, second, third])
        await store.mark_indexed(ANA, ids_of(first))
        await store.remove(ANA, ids_of(third))
    async with durable_opener(tmp_path) as store:
        await store.append([third])
        assert await store.recent(ANA, S1, limit=10) == [first, second]
        assert await store.unindexed(ANA, limit=10) == [second]


TURNS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["append", "indexed", "remove"])), max_size=15)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=TURNS)
async def test_doing_everything_twice_equals_doing_it_once(
    opener: Opener, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    pages = make_pages(5)
    seen: list[tuple[list[Page], list[Page]]] = []
    for times in (1, 2):
        async with opener(tmp_path_factory.mktemp("store")) as store:
            for number, step in steps:
                for _ in range(times):
                    if step == "remove":
                        await store.remove(ANA, ids_of(pages[number]))
                    else:
                        await store.append([pages[number]], indexed=step == "indexed")
            seen.append((await store.recent(ANA, S1, limit=10), await store.unindexed(ANA, limit=10)))
    assert seen[0] == seen[1]
