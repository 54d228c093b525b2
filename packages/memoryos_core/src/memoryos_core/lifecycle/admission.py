"""Applying events that may be applied: those of erased users and forgotten sessions are dropped, also amid the work."""

import asyncio
from contextlib import suppress
from typing import Protocol

from loguru import logger

from memoryos_core.chat.conversations import Conversations
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.lifecycle.registry import Registry
from memoryos_core.memory.ingest import Ingest
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.events import Event

_PATIENCE_S = 5.0
"""How long taking back what is half applied may take; if the event comes again, that is when it goes."""


class AppliesEvents(Protocol):
    """Does what an event asks for."""

    async def apply(self, event: Event) -> None:
        """Apply an event; twice is the same as once."""
        ...


class Admission:
    """Stands before the handlers of events.

    The gate keeps an erasure in this process out while an event is applied. Another process may erase meanwhile: then
    the watermark is there when the event is applied, and what it wrote is taken back. So it is, as far as the stores
    can be reached, when it was not applied to the end: whoever erased may have removed it, and it never comes again.
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
            try:
                await self._handlers.apply(event)
                await self._registry.note(event)
            except BaseException:  # a cancellation as well
                await self._try_to_take_back(event)
                raise
            await self._take_back_if_refused(event)

    async def _try_to_take_back(self, event: Event) -> None:
        """Take back what can be reached, in bounded time; what ended the work is what is raised."""
        with suppress(MemoryOSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await self._take_back_if_refused(event)

    async def _take_back_if_refused(self, event: Event) -> None:
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
