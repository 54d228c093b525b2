"""The outbox: what it takes while the log is away, how it hands it over, and what it says of it meanwhile."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import msgspec
import pytest

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.events.outbox import NoOutbox, OutboxEvents
from memoryos_adapters.events.outbox_file import OutboxFile
from memoryos_adapters.events.sqlite import SCHEMA, SqliteEvents
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.errors import Overloaded, StorageFull, UpstreamTimeout, UpstreamUnavailable
from memoryos_ports.event_wire import decode_event
from memoryos_ports.events import Event, EventLog, Published
from memoryos_ports.ids import EventId, SessionId
from memoryos_ports.outbox import OUTBOX, Held, OutboxState
from tests.contract.events.makers import ANA, BOB, NOW, make_event, make_receipt
from tests.support.faults import Faults, faulty

DOWN = UpstreamUnavailable(upstream="redis", detail="refused")
PATIENCE_S = 10.0


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox, the log behind it, and the switches of both; `direct` is the log as its consumers see it.

    `contested` are the events that came with other content under an id that was known.
    """

    outbox: OutboxEvents
    direct: EventLog
    remote: Faults
    local: Faults
    contested: list[Event]

    async def applied(self) -> list[str]:
        """Return the ids of the events that the log hands out, and acknowledge them."""
        deliveries = await self.direct.receive(limit=100, wait_s=0)
        for delivery in deliveries:
            await self.direct.ack(delivery)
        return [str(delivery.event_id) for delivery in deliveries]


@asynccontextmanager
async def open_setup(
    directory: Path, *, max_outbox: int = 100, patience_s: float = 5.0, running: bool = True
) -> AsyncIterator[Setup]:
    """Open an outbox in a directory, before a log in it; opened again it is the process that comes after."""
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(SqliteDatabase.open(directory / "log.db", schemas=[SCHEMA]))
        here = await stack.enter_async_context(SqliteDatabase.open(directory / "outbox.db", schemas=[SCHEMA]))
        remote, local, clock = Faults(), Faults(), SystemClock()
        direct = SqliteEvents(there, clock)
        held = faulty(OutboxFile(here, clock, max_queue=max_outbox), local)
        contested: list[Event] = []

        async def contest(event: Event) -> None:
            await remote.meet("contest")
            contested.append(event)

        outbox = OutboxEvents(faulty(direct, remote), held, clock, contest=contest, patience_s=patience_s)
        delivering = asyncio.create_task(outbox.run()) if running else None
        try:
            yield Setup(outbox=outbox, direct=direct, remote=remote, local=local, contested=contested)
        finally:
            if delivering is not None:
                delivering.cancel()
                await asyncio.wait({delivering})


@pytest.fixture
async def setup(tmp_path: Path) -> AsyncIterator[Setup]:
    """An outbox that is empty, in front of a log that is there."""
    async with open_setup(tmp_path) as opened:
        yield opened


async def test_while_the_log_is_there_the_outbox_is_not_used(setup: Setup) -> None:
    published = await setup.outbox.publish(make_event())

    assert published == Published(outcome="new", receipt=make_receipt(make_event()))
    assert await setup.outbox.state() == OutboxState(waiting=0)
    assert await setup.applied() == ["e1"]


@pytest.mark.parametrize("error", [DOWN, UpstreamTimeout(upstream="redis")], ids=lambda error: type(error).__name__)
async def test_what_cannot_be_published_waits_and_is_delivered_in_order_once_the_log_is_back(
    setup: Setup, error: Exception
) -> None:
    setup.remote.fail("publish", "ping", error=error)
    events = [make_event(f"e{number:02}") for number in range(40)]

    published = [await setup.outbox.publish(event) for event in events]

    assert published == [Held(outcome="new", receipt=make_receipt(event)) for event in events]
    assert await setup.outbox.state() == OutboxState(waiting=40)
    setup.remote.mend()
    await _delivered(setup)
    assert sorted(await setup.applied()) == [event.event_id for event in events]


async def test_after_a_failure_the_log_is_not_asked_until_a_probe_succeeds(setup: Setup) -> None:
    setup.remote.hang("ping")
    setup.remote.fail("publish", times=1)

    outcomes = [await setup.outbox.publish(make_event(f"e{number}")) for number in range(3)]

    assert [type(published) for published in outcomes] == [Held] * 3
    assert await setup.applied() == []


async def test_a_log_that_hangs_is_waited_for_once_and_not_for_long(tmp_path: Path) -> None:
    async with open_setup(tmp_path, patience_s=0.05) as setup:
        setup.remote.hang("publish", "ping")
        async with asyncio.timeout(PATIENCE_S):
            assert isinstance(await setup.outbox.publish(make_event("e1")), Held)
            assert isinstance(await setup.outbox.publish(make_event("e2")), Held)


async def test_what_waits_survives_the_process_and_is_delivered_by_the_next(tmp_path: Path) -> None:
    async with open_setup(tmp_path) as before:
        before.remote.fail("publish", "ping", error=DOWN)
        await before.outbox.publish(make_event())
        assert await before.outbox.drain(timeout_s=PATIENCE_S) == 1
    async with open_setup(tmp_path) as after:
        await _delivered(after)
        assert await after.applied() == ["e1"]


async def test_a_delivery_whose_answer_was_lost_is_one_event(setup: Setup) -> None:
    """The log takes the event and its answer does not come: it is put in the outbox, and delivered once more."""
    event = make_event()
    setup.remote.fail("publish", "ping", error=UpstreamTimeout(upstream="redis"))
    await setup.direct.publish(event)

    assert isinstance(await setup.outbox.publish(event), Held)

    setup.remote.mend()
    await _delivered(setup)
    assert await setup.applied() == ["e1"]
    assert setup.contested == []


async def test_an_event_is_in_the_outbox_until_the_log_has_it(setup: Setup) -> None:
    """A delivery that fails halfway is done again, by the same process."""
    setup.remote.fail("publish", "ping", error=DOWN)
    await setup.outbox.publish(make_event())
    setup.remote.mend()
    setup.remote.fail("publish", error=UpstreamTimeout(upstream="redis"), times=2)

    await _delivered(setup)
    assert await setup.applied() == ["e1"]


async def test_what_was_delivered_is_noted_even_when_the_file_could_not_be_written_at_first(setup: Setup) -> None:
    setup.remote.fail("publish", "ping", error=DOWN)
    await setup.outbox.publish(make_event())
    setup.local.fail("ack", error=StorageFull("sqlite"), times=1)
    setup.remote.mend()

    await _delivered(setup)
    assert await setup.applied() == ["e1"]


FULL = StorageFull("sqlite")
WRITES = ("publish", "receive", "ack", "leave", "bury", "purge", "erase", "ping")


async def test_a_file_that_cannot_be_written_is_emptied_all_the_same(tmp_path: Path) -> None:
    async with open_setup(tmp_path) as setup:
        setup.remote.fail("publish", "ping", error=DOWN)
        events = [make_event(f"e{number:02}") for number in range(40)]
        for event in events:
            await setup.outbox.publish(event)
        setup.local.fail(*WRITES, error=FULL)
        setup.remote.mend()

        await _delivered(setup)
        assert sorted(await setup.applied()) == [event.event_id for event in events]
        with pytest.raises(UpstreamUnavailable, match="outbox"):
            await setup.outbox.ping_file()
    async with open_setup(tmp_path) as after:  # nobody could note what was delivered: a repeat changes nothing
        await _delivered(after)
        assert await after.applied() == []


async def test_what_was_delivered_and_not_noted_is_as_the_log_says(setup: Setup) -> None:
    event = make_event()
    setup.remote.fail("publish", "ping", error=DOWN)
    await setup.outbox.publish(event)
    setup.local.fail(*WRITES, error=FULL)
    setup.remote.mend()
    await _delivered(setup)

    assert await setup.applied() == ["e1"]
    assert await setup.outbox.receipt(ANA, event.event_id) == make_receipt(event, "stored", attempts=1)
    assert await setup.outbox.settled(ANA, event.event_id, timeout_s=0) == make_receipt(event, "stored", attempts=1)
    assert (await setup.outbox.publish(event)).outcome == "same"


async def test_a_file_that_cannot_be_written_is_told_before_anything_has_to_wait_in_it(setup: Setup) -> None:
    await setup.outbox.ping_file()
    setup.local.fail("ping", error=FULL)

    with pytest.raises(StorageFull):
        await setup.outbox.ping_file()


async def test_an_event_that_the_file_could_not_take_is_told_for_a_while(setup: Setup) -> None:
    """A full disk may have room for what the probe writes, and none for an event."""
    setup.remote.fail("publish", "ping", error=DOWN)
    setup.local.fail("publish", error=FULL, times=1)

    with pytest.raises(StorageFull):
        await setup.outbox.publish(make_event())
    with pytest.raises(UpstreamUnavailable, match="outbox"):
        await setup.outbox.ping_file()


async def test_a_delivery_that_always_fails_stops_no_others(setup: Setup) -> None:
    """More of them than are delivered at once, and older than the one that can be delivered."""
    setup.remote.fail("publish", "ping", "contest", error=DOWN)
    taken = [make_event(f"e{number:02}", "first") for number in range(40)]
    for event in taken:
        await setup.outbox.publish(msgspec.structs.replace(event, messages=make_event("x", "second").messages))
        await setup.direct.publish(event)
    await setup.outbox.publish(make_event("e99"))
    setup.remote.mend()
    setup.remote.fail("contest", error=StorageFull("redis"))

    ids: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while "e99" not in ids:
            ids += [str(delivery.event_id) for delivery in await setup.direct.receive(limit=1, wait_s=PATIENCE_S)]
        while await setup.outbox.state() != OutboxState(waiting=40):  # noqa: ASYNC110 - it is noted a moment later
            await asyncio.sleep(0.01)


async def test_other_content_under_a_known_id_is_contested_and_the_first_stays(setup: Setup) -> None:
    first, second = make_event("e1", "first"), make_event("e1", "second")
    await setup.outbox.publish(first)
    setup.remote.fail("publish", "ping", error=DOWN)
    assert (await setup.outbox.publish(second)).outcome == "new"
    setup.remote.mend()
    setup.remote.fail("contest", error=DOWN, times=1)

    await _delivered(setup)

    assert setup.contested == [second]
    assert await setup.outbox.receipt(ANA, EventId("e1")) == make_receipt(first)
    (delivery,) = await setup.direct.receive(limit=10, wait_s=0)
    assert decode_event(delivery.payload, entry_id="x", received_at=NOW) == first


async def test_what_cannot_be_read_is_dead_and_stops_nothing(tmp_path: Path) -> None:
    """A file that another version wrote."""
    async with open_setup(tmp_path, running=False) as before:
        before.remote.fail("publish", error=DOWN)
        for number in range(3):
            await before.outbox.publish(make_event(f"e{number}"))
    with closing(sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)) as connection:
        connection.execute("UPDATE event_queue SET payload = '{\"v\": 99}' WHERE seq = 2")

    async with open_setup(tmp_path) as after:
        await _delivered(after)

        assert await after.outbox.state() == OutboxState(waiting=0, dead=1)
        assert sorted(await after.applied()) == ["e0", "e2"]


async def test_of_two_contents_under_one_id_that_meet_in_the_outbox_the_first_stays(setup: Setup) -> None:
    setup.remote.fail("publish", "ping", error=DOWN)
    outcomes = [(await setup.outbox.publish(make_event("e1", text))).outcome for text in ("first", "first", "second")]

    assert outcomes == ["new", "same", "other"]
    assert (await setup.outbox.state()).waiting == 1


async def test_what_waits_here_is_known_without_the_log_being_asked(tmp_path: Path) -> None:
    """The same event comes again while the outbox delivers it: it is the same, not new."""
    async with open_setup(tmp_path, patience_s=10 * PATIENCE_S) as setup:
        setup.remote.fail("publish", "ping", error=DOWN)
        await setup.outbox.publish(make_event("e1", "first"))
        gate = setup.remote.hold("publish")
        setup.remote.mend()
        async with asyncio.timeout(PATIENCE_S):
            await setup.remote.hung.wait()
            assert (await setup.outbox.publish(make_event("e1", "first"))).outcome == "same"
            assert (await setup.outbox.publish(make_event("e1", "second"))).outcome == "other"
        gate.set()

        await _delivered(setup)
        assert await setup.applied() == ["e1"]
        assert setup.contested == []


async def test_beyond_its_bound_the_outbox_refuses_and_says_when_to_come_again(tmp_path: Path) -> None:
    async with open_setup(tmp_path, max_outbox=2) as setup:
        setup.remote.fail("publish", "ping", error=DOWN)
        await setup.outbox.publish(make_event("e1"))
        await setup.outbox.publish(make_event("e2"))

        with pytest.raises(Overloaded) as caught:
            await setup.outbox.publish(make_event("e3"))

        assert caught.value.what == OUTBOX
        assert caught.value.retry_after_s == 5.0
        setup.remote.mend()
        await _delivered(setup)
        assert sorted(await setup.applied()) == ["e1", "e2"]


@pytest.mark.parametrize("error", [Overloaded("event queue"), StorageFull("redis")], ids=lambda exc: type(exc).__name__)
async def test_a_log_that_refuses_is_not_away(setup: Setup, error: Exception) -> None:
    setup.remote.fail("publish", error=error)

    with pytest.raises(type(error)):
        await setup.outbox.publish(make_event())

    assert await setup.outbox.state() == OutboxState(waiting=0)


async def test_a_log_that_is_full_is_delivered_to_later(setup: Setup) -> None:
    setup.remote.fail("publish", "ping", error=DOWN)
    await setup.outbox.publish(make_event())
    setup.remote.mend()
    setup.remote.fail("publish", error=Overloaded("event queue"), times=1)

    await _delivered(setup)
    assert await setup.applied() == ["e1"]


async def test_the_receipt_of_what_waits_says_queued_without_the_log(setup: Setup) -> None:
    setup.remote.fail("publish", "ping", "receipt", "settled", error=DOWN)
    event = make_event()
    await setup.outbox.publish(event)

    assert await setup.outbox.receipt(ANA, event.event_id) == make_receipt(event)
    assert await setup.outbox.settled(ANA, event.event_id, timeout_s=0) == make_receipt(event)
    with pytest.raises(UpstreamUnavailable):
        await setup.outbox.receipt(BOB, event.event_id)


async def test_who_waits_for_the_end_of_an_event_sees_it_through_the_outbox(setup: Setup) -> None:
    setup.remote.fail("publish", "ping", error=DOWN)
    event = make_event()
    await setup.outbox.publish(event)
    waiting = asyncio.create_task(setup.outbox.settled(ANA, event.event_id, timeout_s=PATIENCE_S))
    setup.remote.mend()

    async with asyncio.timeout(PATIENCE_S):
        (delivery,) = await setup.direct.receive(limit=1, wait_s=PATIENCE_S)
        await setup.direct.ack(delivery)
        receipt = await waiting

    assert receipt == make_receipt(event, "stored", attempts=1)


@pytest.mark.parametrize("session_id", [None, SessionId("s1")], ids=["user", "session"])
async def test_an_erasure_reaches_both(setup: Setup, session_id: SessionId | None) -> None:
    mine, other = _in_session("e1"), _in_session("e2")
    await setup.outbox.publish(mine)
    setup.remote.fail("publish", "ping", error=DOWN)
    await setup.outbox.publish(other)
    await setup.outbox.publish(make_event("e3", scope=BOB))

    assert await setup.outbox.erase(ANA, session_id=session_id) == 2
    assert await setup.outbox.erase(ANA, session_id=session_id) == 0

    setup.remote.mend()
    await _delivered(setup)
    assert await setup.applied() == ["e3"]


async def test_an_erasure_while_the_log_is_away_empties_the_outbox_and_says_that_it_is_not_complete(
    setup: Setup,
) -> None:
    setup.remote.fail("publish", "ping", "erase", error=DOWN)
    await setup.outbox.publish(make_event())

    with pytest.raises(UpstreamUnavailable):
        await setup.outbox.erase(ANA)

    assert await setup.outbox.state() == OutboxState(waiting=0)


async def test_a_drain_ends_when_the_log_goes_away(setup: Setup) -> None:
    setup.remote.fail("publish", "ping", error=DOWN)
    for number in range(3):
        await setup.outbox.publish(make_event(f"e{number}"))

    async with asyncio.timeout(PATIENCE_S):
        assert await setup.outbox.drain(timeout_s=10 * PATIENCE_S) == 3


async def test_what_is_erased_when_it_is_about_to_be_delivered_is_not(setup: Setup) -> None:
    setup.remote.fail("publish", "ping", error=DOWN)
    await setup.outbox.publish(make_event("e1"))
    await setup.outbox.publish(make_event("e2", scope=BOB))
    looked_at = setup.local.hold("receipt")
    setup.remote.mend()

    async with asyncio.timeout(PATIENCE_S):
        await setup.local.hung.wait()
        await setup.outbox.erase(ANA)
        looked_at.set()
    await _delivered(setup)

    assert await setup.applied() == ["e2"]


async def test_no_outbox_holds_nothing() -> None:
    assert await NoOutbox().state() == OutboxState(waiting=0)
    assert await NoOutbox().drain(timeout_s=PATIENCE_S) == 0


def _in_session(event_id: str) -> Event:
    return msgspec.structs.replace(make_event(event_id), session_id=SessionId("s1"))


async def _delivered(setup: Setup) -> None:
    """Return once nothing waits, however long the outbox takes to see that the log is back."""
    async with asyncio.timeout(PATIENCE_S):
        while await setup.outbox.drain(timeout_s=PATIENCE_S):
            pass
