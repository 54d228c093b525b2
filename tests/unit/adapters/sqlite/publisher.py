"""A process that publishes and receives until it is killed, and writes a line for each event that was acknowledged.

Usage: python publisher.py FILE. Lines: ``published ID``.
"""

import asyncio
import sys
from itertools import count

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.events.sqlite import SCHEMA, SqliteEvents
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.events import EVENT_VERSION, EventLog, EventMessage, TurnsEvent
from memoryos_ports.ids import EventId, TenantId, UserId

PUBLISHERS = 8


async def publish(log: EventLog, publisher: int) -> None:
    """Publish one event after the other, and say so."""
    clock = SystemClock()
    for number in count():
        event = TurnsEvent(
            v=EVENT_VERSION,
            event_id=EventId(f"p{publisher}-{number}"),
            tenant_id=TenantId("acme"),
            user_id=UserId("ana"),
            messages=(EventMessage(role="user", content="I like tea", timestamp=clock.now()),),
            source="api",
            accepted_at=clock.now(),
        )
        await log.publish(event)
        sys.stdout.write(f"published {event.event_id}\n")
        sys.stdout.flush()


async def hold(log: EventLog) -> None:
    """Take events, and never say what became of them."""
    while True:
        await log.receive(limit=1, wait_s=60)


async def main(path: str) -> None:
    """Publish and hold until killed."""
    async with SqliteDatabase.open(path, schemas=[SCHEMA]) as db, asyncio.TaskGroup() as group:
        log = SqliteEvents(db, SystemClock())
        group.create_task(hold(log))
        for publisher in range(PUBLISHERS):
            group.create_task(publish(log, publisher))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
