"""Short-term memory in Redis: what expires, what does not, and what is left of it."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.short_term.redis import RedisShortTerm
from memoryos_ports.cursor import position_of
from memoryos_ports.ids import SessionId
from memoryos_ports.memory import Page
from tests.support.makers import ANA, after, make_page

DAYS = 30
MS_PER_DAY = 86_400_000
S1, S2 = SessionId("s1"), SessionId("s2")


@pytest.fixture
def store(redis: RedisDatabase) -> RedisShortTerm:
    """A store that holds three turns of a session for thirty days."""
    return RedisShortTerm(redis, per_session=3, session_days=DAYS)


def turn(event: str, session: SessionId = S1) -> Page:
    """Return the turn of an event."""
    return make_page(event, event=event, session_id=session)


def by_place(pages: Iterable[Page]) -> list[Page]:
    """Return pages in their order."""
    return sorted(pages, key=position_of)


async def keys(redis: RedisDatabase) -> list[str]:
    """Return the names of all keys."""
    return [name async for name in redis.keys("*")]


async def pass_days(redis: RedisDatabase, days: int) -> None:
    """Bring everything so much nearer to its end: what expires by Redis, and the moments that are noted."""
    passed_ms = days * MS_PER_DAY
    for key in await keys(redis):
        if key.endswith(":sessions"):
            for session in await redis.execute("ZRANGE", key, 0, -1):
                await redis.execute("ZINCRBY", key, -passed_ms, session)
        if (left_ms := await redis.execute("PTTL", key)) >= 0:
            await redis.execute("PEXPIRE", key, left_ms - passed_ms)


async def test_what_the_index_lacks_never_expires(store: RedisShortTerm, redis: RedisDatabase) -> None:
    page, marked = turn("a"), turn("b")
    await store.append([page, marked])
    await store.mark_indexed(ANA, [marked.id])
    await pass_days(redis, 1000)
    assert await store.unindexed(ANA, limit=10) == [page]
    assert await store.recent(ANA, S1, limit=10) == [page]
    assert await store.get(ANA, [marked.id, page.id]) == [page]


async def test_a_session_is_there_for_days_after_the_index_took_its_last_turn(
    store: RedisShortTerm, redis: RedisDatabase
) -> None:
    first, second = turn("a"), turn("b")
    await store.append([first], indexed=True)
    await pass_days(redis, DAYS - 1)
    await store.append([second])
    await store.mark_indexed(ANA, [second.id])
    await pass_days(redis, DAYS - 1)
    assert await store.recent(ANA, S1, limit=10) == by_place([first, second])
    assert await store.get(ANA, [first.id]) == [first]
    await pass_days(redis, 1)
    assert await store.recent(ANA, S1, limit=10) == []
    assert await store.get(ANA, [first.id, second.id]) == []


async def test_a_session_without_an_end_never_expires(redis: RedisDatabase) -> None:
    store, page = RedisShortTerm(redis, session_days=0), turn("a")
    await store.append([page], indexed=True)
    await pass_days(redis, 100_000)
    assert await store.recent(ANA, S1, limit=10) == [page]
    assert await store.get(ANA, [page.id]) == [page]


@pytest.mark.parametrize(("days", "then"), [(30, 0), (0, 30), (30, 1), (1, 30)])
async def test_other_days_are_obeyed_by_the_turns_that_come_then(redis: RedisDatabase, days: int, then: int) -> None:
    old, new = turn("a"), turn("b", S2)
    await RedisShortTerm(redis, session_days=days).append([old], indexed=True)
    store = RedisShortTerm(redis, session_days=then)
    await store.append([new], indexed=True)
    for passed in (0, 1, 30, 1000):
        await pass_days(redis, passed)
        kept = [page for page, kept_days in ((old, days), (new, then)) if not 0 < kept_days <= passed]
        assert await store.get(ANA, [old.id, new.id]) == kept
    assert await store.erase(ANA) == len(kept)


async def test_an_expired_session_is_forgotten_in_whole_when_another_takes_turns(
    store: RedisShortTerm, redis: RedisDatabase
) -> None:
    await store.append([turn("a"), turn("b")], indexed=True)
    await pass_days(redis, DAYS - 10)
    await store.append([turn("c", S2)], indexed=True)
    names = {name.replace("s1", "s2") for name in await keys(redis)}
    await pass_days(redis, 10)
    await store.append([turn("d", S2)], indexed=True)
    assert set(await keys(redis)) == names - {name for name in names if "s1" in name}
    (places,) = [name for name in names if name.endswith(":places")]
    assert await redis.execute("HLEN", places) == 2


async def test_an_expired_session_takes_no_place_among_the_latest_turns(
    store: RedisShortTerm, redis: RedisDatabase
) -> None:
    expired = [make_page("new", event=name, session_id=S1, timestamp=after(1)) for name in "abc"]
    alive = by_place([turn(name, S2) for name in "def"])
    await store.append(expired, indexed=True)
    await pass_days(redis, DAYS - 10)
    await store.append(alive, indexed=True)
    await pass_days(redis, 10)
    assert await store.latest(ANA, limit=3) == alive


async def test_of_many_sessions_those_that_took_turns_last_have_the_latest_turns(
    store: RedisShortTerm, redis: RedisDatabase
) -> None:
    pages = [turn(f"t{number}", SessionId(f"s{number}")) for number in (2, 3, 1)]
    for page in pages:
        await store.append([page], indexed=True)
        await pass_days(redis, 1)
    assert await store.latest(ANA, limit=2) == by_place(pages[1:])


async def test_nothing_is_left_of_a_user_who_comes_no_more(store: RedisShortTerm, redis: RedisDatabase) -> None:
    await store.append([turn("a"), turn("b", S2)])
    await store.mark_indexed(ANA, [turn("a").id, turn("b").id])
    await pass_days(redis, DAYS)
    assert [name for name in await keys(redis) if ":pages:" in name] == []
    await pass_days(redis, DAYS)
    assert await keys(redis) == []


async def test_an_expired_session_begins_anew_also_when_many_others_have_expired_before(
    store: RedisShortTerm, redis: RedisDatabase
) -> None:
    sessions = [SessionId(f"s{number:03}") for number in range(150)]
    await store.append([turn(f"old {session}", session) for session in sessions], indexed=True)
    await pass_days(redis, DAYS - 10)
    await store.append([turn("other", SessionId("other"))], indexed=True)
    await pass_days(redis, 10)
    fresh = [turn(f"new {number}", sessions[-1]) for number in range(3)]
    await store.append(fresh, indexed=True)
    assert await store.recent(ANA, sessions[-1], limit=10) == by_place(fresh)
    assert await store.get(ANA, [turn(f"old {sessions[-1]}").id]) == []


async def test_erasing_leaves_no_key(store: RedisShortTerm, redis: RedisDatabase) -> None:
    pages = [turn("a"), turn("b", S2), turn("c"), turn("d", S2)]
    await store.append(pages)
    await store.mark_indexed(ANA, [page.id for page in pages[:2]])
    await store.remove(ANA, [turn("e").id])
    assert await store.erase(ANA) == 4
    assert await keys(redis) == []


async def test_a_replaced_turn_of_the_index_keeps_its_place_in_a_full_session(store: RedisShortTerm) -> None:
    pages = by_place([turn(name) for name in "abc"])
    await store.append(pages, indexed=True)
    mended = make_page("mended", event=pages[0].event_id, session_id=S1)
    await store.replace(mended)
    assert await store.recent(ANA, S1, limit=10) == [mended, *pages[1:]]


async def test_a_turn_that_is_known_comes_into_no_other_session(store: RedisShortTerm) -> None:
    page = turn("a")
    await store.append([page], indexed=True)
    await store.append([turn("a", S2)])
    await store.append([turn("a", S2)], indexed=True)
    assert await store.recent(ANA, S2, limit=10) == []
    assert await store.recent(ANA, S1, limit=10) == [page]


async def test_a_turn_that_waits_stays_as_it_is_when_it_comes_as_indexed(store: RedisShortTerm) -> None:
    page = turn("a")
    await store.append([page])
    await store.append([make_page("other", event="a", session_id=S2)], indexed=True)
    assert await store.unindexed(ANA, limit=10) == []
    assert await store.recent(ANA, S1, limit=10) == [page]
    assert await store.recent(ANA, S2, limit=10) == []


MOMENTS = st.datetimes(timezones=st.just(UTC))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments=st.lists(MOMENTS, min_size=2, max_size=6))
async def test_any_moments_keep_their_order(redis: RedisDatabase, moments: list[datetime]) -> None:
    store = RedisShortTerm(redis, session_days=DAYS)
    pages = [make_page(event=f"e{at}", timestamp=at, accepted_at=moments[0], session_id=S1) for at in moments]
    await store.append(pages)
    known = by_place({page.id: page for page in pages}.values())
    assert await store.unindexed(ANA, limit=10) == known
    assert await store.unindexed(ANA, limit=10, after=position_of(known[-1])) == known[:-1]
    await store.erase(ANA)
