"""Dead letters in Redis that are buried and put back, and what their receipts say: on one server and on a cluster."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.events.redis_dead_letters import StreamDeadLetters
from memoryos_adapters.events.redis_partitions import Partitions
from memoryos_adapters.events.redis_receipts import Receipts
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.redis_servers import Argument
from memoryos_adapters.settings import WorkerSettings
from memoryos_ports.errors import UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import EventState, QueueStats, Receipt
from memoryos_ports.ids import EventId
from tests.contract.events.logs import empty_cluster_of
from tests.contract.events.makers import ANA, make_event, make_receipt
from tests.support.redis_log import open_log, open_redis, receive_one, type_entry
from tests.support.redis_server import database_url

STREAM = "{chat_log}"
LAST_ID = f"{2**64 - 1}-{2**64 - 1}"  # no entry can come after it


@pytest.fixture(params=["standalone", "cluster"])
async def redis(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of an empty database, and of an empty cluster."""
    url = empty_cluster_of(tmp_path)[0].url if request.param == "cluster" else database_url(tmp_path)
    async with open_redis(url, mode=request.param) as opened:
        yield opened


@pytest.fixture
async def log(redis: RedisDatabase) -> AsyncIterator[RedisEvents]:
    """The log under test."""
    async with open_log(redis, stream=STREAM) as opened:
        yield opened


def letters_by(script: EventScript, redis: RedisDatabase) -> StreamDeadLetters:
    """Return the dead letters of another process."""
    partitions = Partitions(WorkerSettings(stream=STREAM), is_cluster=redis.is_cluster)
    return StreamDeadLetters(redis, script, partitions, Receipts(redis, script, partitions, SystemClock(), days=30))


async def bury(log: RedisEvents) -> str:
    """Publish e1 and bury it; return the id of its letter."""
    await log.publish(make_event())
    await log.bury(await receive_one(log), error="no")
    (letter,) = await log.list_dead(limit=9)
    return letter.id


async def receipt_of(log: RedisEvents) -> Receipt | None:
    """Return what is known of e1."""
    return await log.receipt(ANA, EventId("e1"))


class Slow(EventScript):
    """Is slow after it put a letter back: a consumer ends the new entry meanwhile."""

    def __init__(self, redis: RedisDatabase, log: RedisEvents, ending: str) -> None:
        super().__init__(redis)
        self._log = log
        self._ending = ending

    async def on(self, *args: Any, **options: Any) -> Any:
        """Run a command; when it was a replay, end what was put back before anything else is done."""
        answer = await super().on(*args, **options)
        if args[1] == "replay":
            delivery = await receive_one(self._log)
            match self._ending:
                case "ack":
                    await self._log.ack(delivery)
                case "bury":
                    await self._log.bury(delivery, error="no again")
                case _:
                    await self._log.leave(delivery, error="not yet", retry_in_s=0)
        return answer


@pytest.mark.parametrize(
    ("ending", "state", "error"),
    [("ack", "stored", None), ("bury", "dead", "no again"), ("leave", "queued", "not yet")],
)
@pytest.mark.parametrize("is_mended", [False, True], ids=["as it was", "mended"])
async def test_what_a_quick_consumer_makes_of_a_replayed_event_is_what_its_receipt_says(
    redis: RedisDatabase, log: RedisEvents, ending: str, state: EventState, error: str | None, is_mended: bool
) -> None:
    letter = await bury(log)
    if is_mended:
        letter = await type_letter(redis)
    assert await letters_by(Slow(redis, log, ending), redis).replay([letter]) == 1
    known = await receipt_of(log)
    assert known is not None
    assert (known.state, known.attempts, known.error) == (state, 1, error or known.error)


async def test_an_event_that_cannot_be_buried_stays_in_hand(redis: RedisDatabase, log: RedisEvents) -> None:
    await log.publish(make_event())
    delivery = await receive_one(log)
    await redis.execute("XADD", f"{STREAM}:dlq", LAST_ID, "note", "the last")
    with pytest.raises(UpstreamProtocolError):
        await log.bury(delivery, error="no")
    await redis.execute("DEL", f"{STREAM}:dlq")
    await log.bury(delivery, error="no")
    assert [(each.event_id, each.attempts) for each in await log.list_dead(limit=9)] == [("e1", 1)]
    assert await receipt_of(log) == make_receipt(make_event(), "dead", attempts=1, error="no")


async def test_a_letter_that_the_stream_cannot_take_back_stays(redis: RedisDatabase, log: RedisEvents) -> None:
    letter = await bury(log)
    await redis.execute("XADD", STREAM, LAST_ID, "user_id", "u")
    with pytest.raises(UpstreamProtocolError):
        await log.replay([letter])
    await redis.execute("DEL", STREAM)
    assert await log.replay([letter]) == 1
    assert await receipt_of(log) == make_receipt(make_event())


class CutOff(EventScript):
    """Loses Redis right before a command."""

    def __init__(self, redis: RedisDatabase, command: str) -> None:
        super().__init__(redis)
        self._command = command

    async def on(self, partition: Any, command: str, *args: Argument, **options: Any) -> Any:
        """Run a command, or fail."""
        self._check(command)
        return await super().on(partition, command, *args, **options)

    async def at(self, keys: tuple[str, ...], command: str, *args: Argument, **options: Any) -> Any:
        """Run a command, or fail."""
        self._check(command)
        return await super().at(keys, command, *args, **options)

    def _check(self, command: str) -> None:
        if command == self._command:
            raise UpstreamUnavailable(upstream="redis")


async def test_a_replay_that_did_not_get_through_can_be_repeated(redis: RedisDatabase, log: RedisEvents) -> None:
    letter = await bury(log)
    with pytest.raises(UpstreamUnavailable):
        await letters_by(CutOff(redis, "replay"), redis).replay([letter])
    assert await receipt_of(log) == make_receipt(make_event(), "dead", attempts=1, error="no")
    assert await log.replay([letter]) == 1
    assert await receipt_of(log) == make_receipt(make_event())


async def test_a_letter_whose_replay_did_not_get_through_can_be_dropped(redis: RedisDatabase, log: RedisEvents) -> None:
    letter = await bury(log)
    with pytest.raises(UpstreamUnavailable):
        await letters_by(CutOff(redis, "replay"), redis).replay([letter])
    assert await log.drop([letter]) == 1
    (key,) = [key async for key in redis.keys("memoryos:{*}:event:e1")]
    assert await redis.execute("PTTL", key) > 0


async def test_what_was_put_back_by_a_process_that_died_then_is_known_once_it_ends(
    redis: RedisDatabase, log: RedisEvents
) -> None:
    letter = await bury(log)
    letters = letters_by(CutOff(redis, "note_replay"), redis)
    if redis.is_cluster:
        with pytest.raises(UpstreamUnavailable):
            await letters.replay([letter])
    else:
        assert await letters.replay([letter]) == 1
    await log.ack(await receive_one(log))
    known = await receipt_of(log)
    assert known is not None
    assert known.state == "stored"
    assert await log.stats() == QueueStats(length=0, oldest_age_s=0, dead=0)


async def type_letter(redis: RedisDatabase) -> str:
    """Add e1 to the dead letters as a person does who mends it; return the id."""
    return await type_entry(
        redis, "event_id", "e1", "payload", encode_event(make_event()).decode(), stream=f"{STREAM}:dlq"
    )


async def test_the_receipt_of_a_dead_event_follows_its_mended_letter(redis: RedisDatabase, log: RedisEvents) -> None:
    await bury(log)
    assert await log.replay([await type_letter(redis)]) == 1
    assert await receipt_of(log) == make_receipt(make_event())
    await log.ack(await receive_one(log))
    assert await receipt_of(log) == make_receipt(make_event(), "stored", attempts=1)


async def test_a_letter_that_somebody_typed_changes_no_receipt_of_a_stored_event(
    redis: RedisDatabase, log: RedisEvents
) -> None:
    await log.publish(make_event())
    await log.ack(await receive_one(log))
    assert await log.replay([await type_letter(redis)]) == 1
    assert await receipt_of(log) == make_receipt(make_event(), "stored", attempts=1)
