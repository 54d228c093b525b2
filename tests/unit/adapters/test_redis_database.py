"""The Redis client: what comes out when servers are away, hang, are replicas or full; TLS, passwords, durability."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from memoryos_adapters.redis_database import RedisDatabase, Script
from memoryos_adapters.redis_servers import key_of
from memoryos_adapters.settings import RedisSettings
from memoryos_ports.errors import (
    ConfigurationError,
    StorageFull,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from tests.support.redis_log import PATIENCE_S, open_redis
from tests.support.redis_server import database_url, free_port, redis_server
from tests.unit.adapters.certificates import TestAuthority

SET = Script(name="set", text="return redis.call('SET', KEYS[1], ARGV[1])")


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of an empty database."""
    async with open_redis(database_url(tmp_path), max_connections=4) as opened:
        yield opened


async def test_a_script_is_given_to_a_server_that_does_not_know_it(redis: RedisDatabase) -> None:
    await redis.execute("SCRIPT FLUSH")
    for _ in range(2):
        assert await redis.run(SET, keys=["a"], args=["1"]) == b"OK"


async def test_answers_of_a_pipeline_are_in_order(redis: RedisDatabase) -> None:
    assert await redis.pipeline([("SET", "a", 1), ("GET", "a"), ("GET", "b")]) == [b"OK", b"1", None]
    assert await redis.pipeline([]) == []


async def test_a_failing_command_of_a_pipeline_stops_none(redis: RedisDatabase) -> None:
    with pytest.raises(UpstreamProtocolError, match="WRONGTYPE"):
        await redis.pipeline([("SET", "a", 1), ("LPUSH", "a", 1), ("SET", "b", 2)])
    assert await redis.execute("GET", "b") == b"2"


async def test_a_server_that_is_no_redis_is_called_that_with_the_key_that_names_it() -> None:
    answered = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()
        answered.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with RedisDatabase.open(RedisSettings(url=url)) as database:
            with pytest.raises(UpstreamProtocolError, match=r"storage\.redis\.url.* not answer as Redis does"):
                await database.ping()
        async with asyncio.timeout(PATIENCE_S):
            await answered.wait()


async def test_keys_are_found_by_their_pattern(redis: RedisDatabase) -> None:
    await redis.pipeline([("SET", f"k:{number}", 1) for number in range(2_000)])
    assert len({key async for key in redis.keys("k:*")}) == 2_000
    assert [key async for key in redis.keys("other:*")] == []


async def test_more_calls_than_connections_wait_their_turn(redis: RedisDatabase) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(redis.execute("INCR", "count") for _ in range(200)))
    assert await redis.execute("GET", "count") == b"200"
    own = [line for line in (await redis.execute("CLIENT", "LIST")).decode().splitlines() if "cmd=incr" in line]
    assert len(own) <= 4


async def test_a_cancelled_call_does_not_spoil_the_next(redis: RedisDatabase) -> None:
    blocked = asyncio.create_task(redis.execute("BLPOP", "queue", 0.2))
    await redis.execute("SET", "a", "mine")
    blocked.cancel()
    await asyncio.gather(blocked, return_exceptions=True)
    assert [await redis.execute("GET", "a") for _ in range(8)] == [b"mine"] * 8


async def test_an_absent_server_is_told_at_once_and_found_when_it_comes(tmp_path: Path) -> None:
    port = free_port()
    async with open_redis(f"redis://127.0.0.1:{port}/0") as redis:
        begun = time.monotonic()
        with pytest.raises(UpstreamUnavailable):
            await redis.ping()
        assert time.monotonic() - begun < PATIENCE_S / 2
        async with redis_server(tmp_path, port=port):
            await redis.ping()


async def test_a_server_that_was_restarted_is_used_again_at_once(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, open_redis(server.url, max_connections=8) as redis:
        await asyncio.gather(*(redis.execute("SET", "a", "1") for _ in range(8)))
        await server.kill()
        await server.start()
        await asyncio.gather(*(redis.execute("SET", "a", "1") for _ in range(8)))


async def test_a_server_that_hangs_is_a_time_out_and_no_answer_comes_late(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, open_redis(server.url, timeout_s=0.1) as redis:
        await redis.execute("SET", "a", "old")
        await server.pause()
        with pytest.raises(UpstreamTimeout):
            await redis.execute("GET", "a")
        await server.resume()
        assert await redis.execute("ECHO", "new") == b"new"


async def test_a_replica_takes_no_writes_and_is_not_talked_to_again(tmp_path: Path) -> None:
    following = f"127.0.0.1 {free_port()}"
    async with redis_server(tmp_path, replicaof=following) as server, open_redis(server.url) as redis:
        first = await redis.execute("CLIENT", "ID")
        writes: list[Callable[[], Awaitable[object]]] = [redis.ping, lambda: redis.run(SET, keys=["a"], args=["1"])]
        for write in writes:
            with pytest.raises(UpstreamUnavailable, match="read only replica"):
                await write()
        assert await redis.execute("CLIENT", "ID") == first + 2  # each time on a connection of its own


@pytest.mark.parametrize("through_a_script", [False, True])
async def test_a_server_that_refuses_this_user_a_command_is_unavailable(tmp_path: Path, through_a_script: bool) -> None:
    async with redis_server(tmp_path) as server, open_redis(server.url) as redis:
        await redis.execute("ACL", "SETUSER", "default", "-set")
        with pytest.raises(UpstreamUnavailable, match=r"no permissions|can't run this command"):
            await (redis.run(SET, keys=["a"], args=["1"]) if through_a_script else redis.execute("SET", "a", "1"))


async def ask_until_refused(redis: RedisDatabase) -> None:
    """Ask again and again."""
    while True:
        await redis.execute("GET", "a")


async def test_a_server_that_is_busy_with_a_script_is_unavailable(tmp_path: Path) -> None:
    async with redis_server(tmp_path, lua_time_limit=20) as server, open_redis(server.url) as redis:
        endless = asyncio.create_task(asyncio.to_thread(server.cli, "EVAL", "while true do end", "0"))
        with pytest.raises(UpstreamUnavailable, match="busy running a script"):
            await asyncio.wait_for(ask_until_refused(redis), PATIENCE_S)
        await redis.execute("SCRIPT KILL")
        await asyncio.gather(endless, return_exceptions=True)
        await redis.execute("SET", "a", "1")


@pytest.mark.parametrize("through_a_script", [False, True])
async def test_a_full_server_is_told_as_such(tmp_path: Path, through_a_script: bool) -> None:
    async with redis_server(tmp_path, maxmemory=1) as server, open_redis(server.url) as redis:
        with pytest.raises(StorageFull):
            await (redis.run(SET, keys=["a"], args=["1"]) if through_a_script else redis.execute("SET", "a", "1"))


async def test_a_durable_write_waits_for_its_replicas(tmp_path: Path) -> None:
    async with redis_server(tmp_path / "master") as master:
        following = f"127.0.0.1 {master.port}"
        async with (
            redis_server(tmp_path / "replica", replicaof=following, repl_diskless_sync_delay=0) as replica,
            open_redis(master.url, wait_replicas=1) as redis,
            open_redis(replica.url) as other,
        ):
            assert await redis.run(SET, keys=["a"], args=["1"], durable=True) == b"OK"
            assert await other.execute("GET", "a") == b"1"
        async with open_redis(master.url, wait_replicas=1, timeout_s=0.05) as redis:
            assert await redis.execute("SET", "a", "2") == b"OK"
            with pytest.raises(UpstreamUnavailable, match="not on 1 replicas"):
                await redis.pipeline([("SET", "a", "3")], durable=True)
            assert await redis.execute("GET", "a") == b"3"


async def test_a_password_is_asked_for_and_sent(tmp_path: Path) -> None:
    async with redis_server(tmp_path, requirepass="sesame") as server:
        async with open_redis(server.url) as redis:
            with pytest.raises(UpstreamUnavailable, match=r"(?i)auth"):
                await redis.ping()
        async with open_redis(server.url.replace("redis://", "redis://:wrong@")) as redis:
            with pytest.raises(UpstreamUnavailable, match=r"storage\.redis\.password"):
                await redis.ping()
        async with open_redis(server.url.replace("redis://", "redis://:sesame@")) as redis:
            await redis.ping()


async def test_tls_is_spoken_to_who_shows_a_certificate_of_the_authority(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    async with redis_server(tmp_path / "redis") as server, tls_before(server.port, authority) as port:
        url = f"rediss://localhost:{port}/0"
        async with open_redis(f"{url}?ssl_ca_certs={authority.ca_file}") as redis:
            await redis.ping()
        async with open_redis(url) as redis:
            with pytest.raises(UpstreamUnavailable, match="certificate"):
                await redis.ping()


@asynccontextmanager
async def tls_before(port: int, authority: TestAuthority) -> AsyncIterator[int]:
    """Listen with TLS and pass everything on to a port; this Redis was built without TLS."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except (ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, behind[1]), copy(behind[0], writer))

    context = authority.server_context("localhost")
    listening = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (RedisSettings(url="http://localhost"), "storage.redis.url"),
        (RedisSettings(mode="sentinel", sentinels=("localhost",)), "storage.redis.sentinels"),
    ],
)
async def test_addresses_that_cannot_be_read_are_refused_when_it_is_opened(settings: RedisSettings, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        async with RedisDatabase.open(settings):
            pass


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("GET", "a"), "a"),
        (("EVALSHA", "d", 1, b"a", 2), "a"),
        (("XINFO", "GROUPS", "a"), "a"),
        (("XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", "a", ">"), "a"),
        (("PING",), None),
    ],
)
def test_the_key_of_a_command_is_found(command: tuple[str | bytes | int, ...], key: str | None) -> None:
    assert key_of(command) == key
