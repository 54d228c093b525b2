"""What the stores on Redis have in common: one round trip, one slot, and errors that say what is wrong."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from redis.crc import key_slot

from memoryos_adapters.documents.redis import RedisDocuments
from memoryos_adapters.due.redis import RedisDue
from memoryos_adapters.locks.redis import RedisLocks
from memoryos_adapters.redis_database import RedisDatabase, Script, scope_prefix
from memoryos_adapters.redis_servers import Argument
from memoryos_adapters.settings import RedisSettings
from memoryos_adapters.short_term.redis import RedisShortTerm
from memoryos_ports.cursor import position_of
from memoryos_ports.due import Lease
from memoryos_ports.errors import StorageFull, UpstreamUnavailable
from memoryos_ports.ids import SessionId
from tests.support.makers import ANA, NOON, make_page
from tests.support.memory_stack import FixedClock
from tests.support.redis_databases import RedisDatabases
from tests.support.redis_server import free_port, redis_server

S1 = SessionId("s1")
PAGE, OTHER = make_page(event="e1", session_id=S1), make_page(event="e2", session_id=S1)
LEASE = Lease(scope=ANA, fence=1, until=NOON)


class Stores:
    """Every store on one database."""

    def __init__(self, redis: RedisDatabase) -> None:
        self.turns = RedisShortTerm(redis, session_days=30)
        self.documents = RedisDocuments(redis, FixedClock())
        self.due = RedisDue(redis, FixedClock())
        self.locks = RedisLocks(redis)


Call: TypeAlias = Callable[[Stores], Awaitable[Any]]

WRITES: dict[str, Call] = {
    "turns.append": lambda stores: stores.turns.append([PAGE, OTHER]),
    "documents.put": lambda stores: stores.documents.put(ANA, "turn", "a", b"body"),
    "due.add": lambda stores: stores.due.add(ANA, at=NOON),
}
CALLS: dict[str, Call] = {
    **WRITES,
    "turns.append indexed": lambda stores: stores.turns.append([PAGE, OTHER], indexed=True),
    "turns.mark_indexed": lambda stores: stores.turns.mark_indexed(ANA, [PAGE.id, OTHER.id]),
    "turns.recent": lambda stores: stores.turns.recent(ANA, S1, limit=10),
    "turns.get": lambda stores: stores.turns.get(ANA, [PAGE.id, OTHER.id]),
    "turns.unindexed": lambda stores: stores.turns.unindexed(ANA, limit=10, session_id=S1, after=position_of(PAGE)),
    "turns.remove": lambda stores: stores.turns.remove(ANA, [PAGE.id, OTHER.id]),
    "turns.replace": lambda stores: stores.turns.replace(PAGE),
    "turns.erase": lambda stores: stores.turns.erase(ANA),
    "turns.ping": lambda stores: stores.turns.ping(),
    "documents.get": lambda stores: stores.documents.get(ANA, "turn", ["a", "b"]),
    "documents.list_documents": lambda stores: stores.documents.list_documents(ANA, "turn", limit=10),
    "documents.delete": lambda stores: stores.documents.delete(ANA, "turn", ["a", "b"]),
    "documents.erase": lambda stores: stores.documents.erase(ANA),
    "documents.ping": lambda stores: stores.documents.ping(),
    "due.claim": lambda stores: stores.due.claim(limit=10, lease_s=60),
    "due.holds": lambda stores: stores.due.holds(LEASE),
    "due.finish": lambda stores: stores.due.finish(LEASE, again_at=NOON),
    "due.erase": lambda stores: stores.due.erase(ANA),
    "due.ping": lambda stores: stores.due.ping(),
}


class CountedRedis(RedisDatabase):
    """A database that counts what it is asked: each is one round trip."""

    asked = 0

    async def execute(self, *command: Argument, durable: bool = False, patience_s: float = 0.0) -> Any:
        """Count, and go on."""
        self.asked += 1
        return await super().execute(*command, durable=durable, patience_s=patience_s)

    async def run(
        self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = (), durable: bool = False
    ) -> Any:
        """Count, and go on."""
        self.asked += 1
        return await super().run(script, keys=keys, args=args, durable=durable)

    async def ping(self) -> None:
        """Count, and go on."""
        self.asked += 1
        await super().ping()


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A server that nobody else uses."""
    async with redis_server(tmp_path / "server") as server, RedisDatabase.open(RedisSettings(url=server.url)) as redis:
        yield redis


async def lock(stores: Stores) -> None:
    """Hold a lock for a moment."""
    async with stores.locks.hold(ANA, "edit"):
        pass


def update(body: bytes) -> Call:
    """Return the call that gives two documents a body."""
    return lambda stores: stores.documents.update(ANA, {("turn", "a"): lambda _: body, ("place", "b"): lambda _: body})


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_call_is_one_round_trip(redis_databases: RedisDatabases, tmp_path: Path, call: Call) -> None:
    async with CountedRedis.open(RedisSettings(url=redis_databases.url(tmp_path))) as redis:
        await call(Stores(redis))
        assert redis.asked == 1


async def test_an_update_reads_and_writes_if_anything_changes(redis_databases: RedisDatabases, tmp_path: Path) -> None:
    async with CountedRedis.open(RedisSettings(url=redis_databases.url(tmp_path))) as redis:
        for body, asked in ((b"1", 2), (b"1", 3), (b"2", 5)):
            await update(body)(Stores(redis))
            assert redis.asked == asked


@pytest.mark.parametrize(
    "call",
    [
        lambda stores: stores.turns.append([]),
        lambda stores: stores.turns.mark_indexed(ANA, []),
        lambda stores: stores.turns.remove(ANA, []),
        lambda stores: stores.turns.get(ANA, []),
        lambda stores: stores.documents.get(ANA, "turn", []),
        lambda stores: stores.documents.delete(ANA, "turn", []),
        lambda stores: stores.documents.update(ANA, {}),
    ],
)
async def test_nothing_is_asked_about_nothing(redis_databases: RedisDatabases, tmp_path: Path, call: Call) -> None:
    async with CountedRedis.open(RedisSettings(url=redis_databases.url(tmp_path))) as redis:
        await call(Stores(redis))
        assert redis.asked == 0


async def test_all_keys_of_a_scope_are_in_its_slot_and_those_of_the_due_set_in_another(redis: RedisDatabase) -> None:
    stores, names = Stores(redis), set[str]()
    async with stores.locks.hold(ANA, "edit"):
        for call in CALLS.values():
            await call(stores)
            names |= {name async for name in redis.keys("memoryos:{*")}
    prefixes = (scope_prefix(ANA), "memoryos:{due}")
    assert len(names) > 10
    assert {(name.split("}")[0] + "}", key_slot(name.encode())) for name in names} == {
        (prefix, key_slot(prefix.encode())) for prefix in prefixes
    }


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(
    ("trouble", "error"),
    [(("CONFIG", "SET", "maxmemory", "1"), StorageFull), (("REPLICAOF", "127.0.0.1", "1"), UpstreamUnavailable)],
)
async def test_a_write_that_the_server_cannot_take_is_refused_whole(
    own: RedisDatabase, trouble: tuple[str, ...], error: type[Exception], call: Call
) -> None:
    await own.execute(*trouble)
    with pytest.raises(error):
        await call(Stores(own))
    assert await own.execute("DBSIZE") == 0


@pytest.mark.parametrize("call", [*CALLS.values(), lock, update(b"1")])
async def test_an_absent_server_is_unavailable(call: Call) -> None:
    async with RedisDatabase.open(RedisSettings(url=f"redis://127.0.0.1:{free_port()}/0")) as redis:
        with pytest.raises(UpstreamUnavailable):
            await call(Stores(redis))
