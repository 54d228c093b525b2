"""What every short-term store promises about the newest turns of a scope."""

import random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memoryos_ports.cursor import position_of
from memoryos_ports.ids import SessionId
from memoryos_ports.short_term import ShortTermStore
from tests.contract.short_term.makers import ANA, OTHERS, S1, S2, ids_of, make_page, make_pages
from tests.contract.short_term.stores import Opener

SESSIONS = (S1, S2, None)
LIMIT = 7


@pytest.mark.parametrize("indexed", [False, True])
async def test_the_latest_turns_are_those_of_every_session_and_of_none(store: ShortTermStore, indexed: bool) -> None:
    pages = [make_page("a", at=1, session=S2), make_page("b", at=2), make_page("c", at=3, session=None)]
    await store.append(pages[::-1], indexed=indexed)
    assert await store.latest(ANA, limit=10) == pages
    assert await store.latest(ANA, limit=3) == pages


async def test_the_latest_turns_are_there_whether_the_index_holds_them_or_not(store: ShortTermStore) -> None:
    first, second, third = make_pages(3)
    await store.append([first, second, third])
    await store.mark_indexed(ANA, ids_of(second))
    assert await store.latest(ANA, limit=10) == [first, second, third]
    assert await store.latest(ANA, limit=2) == [second, third]
    assert await store.latest(ANA, limit=1) == [third]


async def test_the_latest_turns_are_those_of_one_scope(store: ShortTermStore) -> None:
    pages = [make_page("a", scope=scope) for scope in (ANA, *OTHERS)]
    await store.append(pages)
    await store.append([make_page("b", scope=scope, at=1) for scope in OTHERS], indexed=True)
    assert await store.latest(ANA, limit=10) == pages[:1]


@pytest.mark.parametrize("indexed", [False, True])
async def test_what_was_removed_replaced_or_erased_is_not_among_the_latest(
    store: ShortTermStore, indexed: bool
) -> None:
    first, second, third = make_pages(3)
    mended = msgspec.structs.replace(third, text="mended")
    await store.append([first, second, third], indexed=indexed)
    await store.remove(ANA, ids_of(second))
    await store.replace(mended)
    assert await store.latest(ANA, limit=2) == [first, mended]
    await store.erase(ANA)
    assert await store.latest(ANA, limit=2) == []


TURNS = st.lists(st.tuples(st.sampled_from(SESSIONS), st.booleans()), max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=TURNS, seed=st.integers(0, 1000))
async def test_the_latest_turns_are_the_newest_however_sessions_and_arrivals_are_mixed(
    opener: Opener, tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[SessionId | None, bool]], seed: int
) -> None:
    pages = [make_page(f"t{at}", at=at, session=session) for at, (session, _) in enumerate(turns)]
    arriving = list(zip(pages, turns, strict=True))
    random.Random(seed).shuffle(arriving)
    async with opener(tmp_path_factory.mktemp("store")) as store:
        for page, (_, indexed) in arriving:
            await store.append([page], indexed=indexed)
        assert await store.latest(ANA, limit=LIMIT) == sorted(pages, key=position_of)[-LIMIT:]
