"""Applying events that may be applied: those of erased users and forgotten sessions are dropped, also amid the work."""

from typing import Protocol

from loguru import logger

from memoryos_core.chat.conversations import Conversations
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.lifecycle.registry import Registry
from memoryos_core.memory.ingest import Ingest
from memoryos_ports.events import Event


class AppliesEvents(Protocol):
    """Does what an event asks for."""

    async def apply(self, event: Event) -> None:
        """Apply an event; twice is the same as once."""
        ...


class Admission:
    """Stands before the handlers of events.

    The gate keeps an erasure in this process out while an event is applied. Another process may erase meanwhile: then
    the watermark is there when the event is applied, and what it wrote is taken back.
    """

    def __init__(
        self,
        *,
        handlers: AppliesEvents,
        refusals: Refusals,
        registry: Registry,
        conversations: Conversations,
        ingest: Ingest,
        gate: ScopeGate,
    ) -> None:
        self._handlers = handlers
        self._refusals = refusals
        self._registry = registry
        self._conversations = conversations
        self._ingest = ingest
        self._gate = gate

    async def apply(self, event: Event) -> None:
        """Apply an event, or drop it. Raises what the handlers and the stores raise."""
        async with self._gate.writing(event.scope):
            if await self._refusals.cover(event):
                logger.bind(event_id=event.event_id).info("event dropped")
                await self._ingest.withdraw(
                    event.scope, event.memory_ids
                )  # its turns may be in short-term memory since it was accepted
                return
            await self._handlers.apply(event)
            await self._registry.note(event)
            if await self._refusals.cover(event):
                await self._ingest.withdraw(event.scope, event.memory_ids)
                await self._unlist(event)

    async def _unlist(self, event: Event) -> None:
        """Forget the user who was erased, and the session that went with them or was forgotten; the next event, if
        there is one, makes them known again. Who only switched remembering off is known by what was remembered before.
        """
        is_erased = await self._refusals.erased(event)
        if is_erased:
            await self._registry.drop_user(event.scope)
        if event.session_id is not None and (is_erased or await self._refusals.forgotten(event)):
            await self._conversations.forget(event.scope, event.session_id)
            await self._registry.drop_session(event.scope, event.session_id)
