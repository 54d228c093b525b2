"""The backlog of an outbox: what waits in its file, but for what was delivered and could not be noted there yet."""

from collections.abc import Set
from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from memoryos_adapters.events.outbox_file import OutboxFile
from memoryos_adapters.events.owed_changes import OwedChanges
from memoryos_ports.errors import MemoryOSError, Overloaded
from memoryos_ports.events import Delivery, Event, Published, Receipt
from memoryos_ports.ids import EventId, Scope, SessionId
from memoryos_ports.outbox import OUTBOX, Held, OutboxState

_FULL_RETRY_S: Final = 5.0


class OutboxBacklog:
    """What waits, as this process knows it: what was delivered waits no longer, whatever the file says.

    What came of a delivery is noted in the file at once or, while it cannot be written, owed to it until `settle`; a
    process that ends before has delivered in vain, and the next does so again. A file that holds nothing is not asked.
    """

    def __init__(self, file: OutboxFile) -> None:
        self._file = file
        self._may_hold = True  # until a look at the file says otherwise
        self._keeping = 0
        self._changes = 0
        self._owed = OwedChanges("outbox")  # by handle: what came of deliveries
        self._delivered: set[tuple[Scope, EventId]] = set()  # what the file may still hold because of that

    @property
    def may_hold(self) -> bool:
        """Whether the file may hold anything; False only after `look` has seen that it does not."""
        return self._may_hold

    async def keep(self, event: Event) -> Held:
        """Put an event into the file.

        Raises Overloaded when as many wait as may, StorageFull or UpstreamUnavailable when it cannot be written.
        """
        self._may_hold = True
        self._keeping += 1
        self._changes += 1
        try:
            return _queued(await self._file.publish(event))
        except Overloaded as exc:
            raise Overloaded(OUTBOX, retry_after_s=_FULL_RETRY_S) from exc
        except MemoryOSError as exc:
            self.note_fault(exc)
            raise
        finally:
            self._keeping -= 1
            self._changes += 1

    async def compare(self, event: Event) -> Held | None:
        """Return how an event compares to the one of its id that waits; None when there is none."""
        if await self.receipt(event.scope, event.event_id) is None:
            return None
        return _queued(await self._file.publish(event))

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Return the receipt of an event that waits, which says queued; None when it does not wait."""
        if not self._may_hold or (scope, event_id) in self._delivered:
            return None
        receipt = await self._file.receipt(scope, event_id)
        if receipt is None or receipt.state not in ("queued", "processing"):
            return None
        return _as_queued(receipt)

    async def erase(self, scope: Scope, *, session_id: SessionId | None = None) -> int:
        """Remove events of a scope from the file; return how many there were."""
        return await self._file.erase(scope, session_id=session_id)

    async def state(self) -> OutboxState:
        """Return how many wait, and how many cannot be read."""
        stats = await self._file.stats()
        return OutboxState(waiting=max(stats.length - len(self._owed.handles), 0), dead=stats.dead)

    async def ping(self) -> None:
        """Return when the file can be written. Raises StorageFull or UpstreamUnavailable, and for a while after."""
        self._owed.check()
        await self._file.ping()

    def note_fault(self, exc: MemoryOSError) -> None:
        """Note that the file failed just now."""
        self._owed.note_fault(exc)

    async def peek(self, *, limit: int, without: Set[str]) -> list[Delivery]:
        """Return up to `limit` events that wait, oldest first, but for those of the handles `without`."""
        return await self._file.peek(limit=limit, without=self._owed.handles | without)

    async def ack(self, delivery: Delivery, event: Event) -> None:
        """Note that an event was delivered; in the file as soon as it can be written."""
        self._delivered.add((event.scope, event.event_id))
        await self._owed.make(delivery.handle, partial(self._file.ack, delivery))

    async def bury(self, delivery: Delivery, *, error: str) -> None:
        """Note that an event cannot be read; in the file as soon as it can be written."""
        await self._owed.make(delivery.handle, partial(self._file.bury, delivery, error=error))

    async def settle(self) -> bool:
        """Note in the file what came of earlier deliveries; return whether anything changed there."""
        is_changed = await self._owed.settle()
        if not self._owed.handles:
            self._delivered.clear()
        return is_changed

    async def look(self, *, now: datetime) -> None:
        """Forget what was delivered; note, if so, that the file holds nothing until something is kept.

        Nothing is looked at while the file does not know what came of all deliveries.
        """
        if self._owed.handles:
            return
        changes = self._changes
        await self._file.purge(before=now)
        length = (await self._file.stats()).length
        self._may_hold = bool(length or self._keeping or self._changes != changes)


def _queued(published: Published) -> Held:
    """Return the publication with a receipt that says queued: what was delivered may not be applied yet."""
    receipt = published.receipt
    return Held(outcome=published.outcome, receipt=receipt if receipt.state == "dead" else _as_queued(receipt))


def _as_queued(receipt: Receipt) -> Receipt:
    return msgspec.structs.replace(receipt, state="queued", attempts=0, error=None)
