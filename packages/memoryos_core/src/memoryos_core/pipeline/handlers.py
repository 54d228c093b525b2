"""What each kind of event does when it is applied."""

from collections.abc import Collection
from typing import assert_never

from memoryos_core.chat.copies import Copies
from memoryos_core.consolidation.backlog import Backlog
from memoryos_core.consolidation.derivatives import Derivatives
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.supersede import Supersession
from memoryos_ports.events import Event, TurnsEvent
from memoryos_ports.ids import MemoryId, Scope


class Handlers:
    """Applies events. Applying one twice, or several in any order, gives the same state."""

    def __init__(
        self,
        *,
        ingest: Ingest,
        supersession: Supersession,
        copies: Copies,
        backlog: Backlog,
        derivatives: Derivatives,
    ) -> None:
        self._backlog = backlog
        self._derivatives = derivatives
        self._ingest = ingest
        self._supersession = supersession
        self._copies = copies

    async def apply(self, event: Event) -> None:
        """Apply an event. Raises what the ports raise; nothing is acknowledged here."""
        match event:
            case TurnsEvent():
                await self._apply_turns(event)
            case _ as never:
                assert_never(never)

    async def _apply_turns(self, event: TurnsEvent) -> None:
        stored = event.memory_ids
        if event.chain is None:
            await self._ingest.apply(event)
        else:
            stored = await self._apply_exchange(event)
            await self._supersession.apply(event.scope, superseded=event.supersedes, inserted=stored)
        if event.supersedes:
            await self._derivatives.forget(event.scope, event.supersedes)
        await self._backlog.note(event.scope, stored, said_at=event.messages[0].timestamp)

    async def _apply_exchange(self, event: TurnsEvent) -> tuple[MemoryId, ...]:
        """Store the pages of an exchange that no others stand for, and take back what they stand for; return them."""
        sifted = await self._copies.sift(event)
        if await self._ingest.apply(event, without=sifted.yielding):
            await self._withdraw(event.scope, sifted.withdrawn)
        overtaken = await self._copies.overtaken(event)
        await self._withdraw(event.scope, overtaken)
        return tuple(id_ for id_ in event.memory_ids if id_ not in sifted.yielding | overtaken)

    async def _withdraw(self, scope: Scope, pages: Collection[MemoryId]) -> None:
        if pages:
            await self._derivatives.forget(scope, list(pages))
            await self._ingest.withdraw(scope, list(pages))
