"""What every event log promises when one session is erased: what has content goes, receipts of what is stored stay."""

import msgspec

from memoryos_ports.events import EventLog, TurnsEvent
from memoryos_ports.ids import Scope, SessionId
from tests.contract.events.makers import ANA, BOB, STRANGER, make_event

S1, S2 = SessionId("s1"), SessionId("s2")


def said(event_id: str, session_id: SessionId | None, *, scope: Scope = ANA) -> TurnsEvent:
    """Return an event of a session."""
    return msgspec.structs.replace(make_event(event_id, scope=scope), session_id=session_id)


async def states(log: EventLog, *events: TurnsEvent) -> list[str | None]:
    receipts = [await log.receipt(event.scope, event.event_id) for event in events]
    return [receipt.state if receipt else None for receipt in receipts]


async def test_what_waits_is_held_or_dead_goes(log: EventLog) -> None:
    stored, dead, held, queued = events = [said(id_, S1) for id_ in ("stored", "dead", "held", "queued")]
    for event in (stored, dead, held):
        await log.publish(event)
    first, second, third = await log.receive(limit=3, wait_s=0)
    await log.ack(first)
    await log.bury(second, error="broken")
    await log.publish(queued)
    assert await log.erase(ANA, session_id=S1) == 3
    assert await states(log, *events) == ["stored", None, None, None]
    await log.ack(third)
    assert await states(log, held) == [None]
    assert (await log.stats()).length == (await log.stats()).dead == 0
    assert await log.erase(ANA, session_id=S1) == 0


async def test_other_sessions_and_scopes_stay(log: EventLog) -> None:
    others = [said("e1", S2), said("e2", None), said("e3", S1, scope=BOB), said("e4", S1, scope=STRANGER)]
    for event in (*others, said("e5", S1)):
        await log.publish(event)
    assert await log.erase(ANA, session_id=S1) == 1
    assert await states(log, *others) == ["queued"] * 4
