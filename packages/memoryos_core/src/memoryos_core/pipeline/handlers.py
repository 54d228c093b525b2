"""What each kind of event does when it is applied."""

from typing import assert_never

from memoryos_core.chat.conversations import Conversations
from memoryos_core.consolidation.backlog import Backlog
from memoryos_core.consolidation.derivatives import Derivatives
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.supersede import Supersession
from memoryos_ports.events import Event, TurnsEvent


class Handlers:
    """Applies events. Applying one twice, or several in any order, gives the same state."""

    def __init__(
        self,
        *,
        ingest: Ingest,
        supersession: Supersession,
        conversations: Conversations,
        backlog: Backlog,
        derivatives: Derivatives,
    ) -> None:
        self._backlog = backlog
        self._derivatives = derivatives
        self._ingest = ingest
        self._supersession = supersession
        self._conversations = conversations

    async def apply(self, event: Event) -> None:
        """Apply an event. Raises what the ports raise; nothing is acknowledged here."""
        match event:
            case TurnsEvent():
                await self._apply_turns(event)
            case _ as never:
                assert_never(never)

    async def _apply_turns(self, event: TurnsEvent) -> None:
        await self._ingest.apply(event)
        if event.chain is not None:
            await self._supersession.apply(event.scope, superseded=event.supersedes, inserted=event.memory_ids)
            await self._conversations.record(event)
        if event.supersedes:
            await self._derivatives.forget(event.scope, event.supersedes)
        await self._backlog.note(event.scope, event.memory_ids, said_at=event.messages[0].timestamp)
