"""Documents in Redis: what is read is compared before it is written, and anything may stand in a body."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memoryos_adapters.documents.redis import RedisDocuments
from memoryos_adapters.redis_database import RedisDatabase, Script
from memoryos_adapters.redis_servers import Argument
from memoryos_adapters.settings import RedisSettings
from memoryos_ports.documents import Change
from memoryos_ports.errors import Overloaded
from tests.support.makers import ANA
from tests.support.memory_stack import FixedClock
from tests.support.redis_databases import RedisDatabases

A, B = ("turn", "a"), ("profile", "b")


class InterruptedRedis(RedisDatabase):
    """A database where something else happens before each of the first writes."""

    interruptions: Sequence[Callable[[], Awaitable[Any]]] = ()

    async def run(
        self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = (), durable: bool = False
    ) -> Any:
        """Let the next interruption come first, if it is a write."""
        if args[0] == "write" and self.interruptions:
            interruption, *self.interruptions = self.interruptions
            await interruption()
        return await super().run(script, keys=keys, args=args, durable=durable)


class NoRest(random.Random):
    """Chance that always asks for the shortest rest."""

    def random(self) -> float:
        """Return 0."""
        return 0.0


@pytest.fixture
async def interrupted(redis_databases: RedisDatabases, tmp_path: Path) -> AsyncIterator[InterruptedRedis]:
    """The same database as `redis`, with interruptions."""
    async with InterruptedRedis.open(RedisSettings(url=redis_databases.url(tmp_path))) as opened:
        yield opened


@pytest.fixture
def store(interrupted: InterruptedRedis, clock: FixedClock) -> RedisDocuments:
    """The store that is interrupted."""
    return RedisDocuments(interrupted, clock, chance=NoRest())


@pytest.fixture
def rival(redis: RedisDatabase, clock: FixedClock) -> RedisDocuments:
    """The store that interrupts."""
    return RedisDocuments(redis, clock)


def appending(text: bytes) -> Change:
    """Return the change that puts text behind what is there."""
    return lambda body: (body or b"") + text


async def test_who_was_slower_begins_again_with_what_is_there_now(
    store: RedisDocuments, rival: RedisDocuments, interrupted: InterruptedRedis
) -> None:
    interrupted.interruptions = [lambda: rival.update(ANA, {A: appending(b"r")}) for _ in range(3)]
    await store.update(ANA, {A: appending(b"s"), B: appending(b"s")})
    assert (await rival.get(ANA, "turn", ["a"]))["a"].body == b"rrrs"
    assert (await rival.get(ANA, "profile", ["b"]))["b"].version == 1


async def test_what_stays_the_same_must_still_be_so_when_the_others_are_written(
    store: RedisDocuments, rival: RedisDocuments, interrupted: InterruptedRedis
) -> None:
    await rival.put(ANA, *A, b"done")
    interrupted.interruptions = [lambda: rival.put(ANA, *A, b"undone")]
    await store.update(ANA, {A: lambda _: b"done", B: appending(b"s")})
    assert (await rival.get(ANA, "turn", ["a"]))["a"].body == b"done"


async def test_a_document_that_was_made_anew_meanwhile_is_another_of_the_same_version(
    store: RedisDocuments, rival: RedisDocuments, interrupted: InterruptedRedis
) -> None:
    async def make_anew() -> None:
        await rival.delete(ANA, "turn", ["a"])
        await rival.put(ANA, *A, b"new ")

    await rival.put(ANA, *A, b"old ")
    interrupted.interruptions = [make_anew]
    await store.update(ANA, {A: appending(b"s")})
    assert (await rival.get(ANA, "turn", ["a"]))["a"].body == b"new s"


async def test_who_is_always_slower_gives_up_with_nothing_written(
    store: RedisDocuments, rival: RedisDocuments, interrupted: InterruptedRedis
) -> None:
    interrupted.interruptions = [lambda: rival.put(ANA, *A, b"r")] * 1000
    with pytest.raises(Overloaded):
        await store.update(ANA, {A: appending(b"s"), B: appending(b"s")})
    assert (await rival.get(ANA, "turn", ["a"]))["a"].body == b"r"
    assert await rival.get(ANA, "profile", ["b"]) == {}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary() | st.from_regex(rb"[0-9 \r\n]*", fullmatch=True), more=st.binary(max_size=3))
async def test_a_body_may_be_any_bytes(rival: RedisDocuments, body: bytes, more: bytes) -> None:
    put = await rival.put(ANA, *A, body)
    assert await rival.list_documents(ANA, "turn", limit=1) == [put]
    await rival.update(ANA, {A: appending(more)})
    (found,) = (await rival.get(ANA, "turn", ["a"])).values()
    assert (found.body, found.version) == (body + more, put.version + bool(more))


async def test_ids_are_in_order_of_their_code_points(rival: RedisDocuments) -> None:
    ids = ["", " ", "A", "a", "a\x00", "ab", "ä", "一", "\U0001f375"]
    for id_ in reversed(ids):
        await rival.put(ANA, "turn", id_, b"")
    assert [document.id for document in await rival.list_documents(ANA, "turn", limit=100)] == ids
    assert [document.id for document in await rival.list_documents(ANA, "turn", limit=2, after="a")] == ["a\x00", "ab"]


async def test_many_documents_change_at_once(rival: RedisDocuments) -> None:
    changes = {("turn", f"t{number}"): appending(b"x") for number in range(10_000)}
    await rival.update(ANA, changes)
    assert await rival.delete(ANA, "turn", [id_ for _, id_ in changes]) == 10_000


async def test_erasing_leaves_no_key(rival: RedisDocuments, redis: RedisDatabase) -> None:
    for kind, id_ in (A, B, ("turn", "c")):
        await rival.put(ANA, kind, id_, b"")
    await rival.delete(ANA, *A[:1], [A[1]])
    assert await rival.erase(ANA) == 2
    assert [name async for name in redis.keys("*")] == []
