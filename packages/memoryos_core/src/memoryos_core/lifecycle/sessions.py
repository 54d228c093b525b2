"""Forgetting a conversation: what was said in it, what was learnt from that, and what is known of how it went."""

from collections.abc import AsyncIterator

import msgspec

from memoryos_core.chat.conversations import Conversations
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.lifecycle.deletion import Deletion
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.lifecycle.registry import Registry
from memoryos_core.memory.library import Library
from memoryos_ports.clock import Clock
from memoryos_ports.errors import NotFound, Overloaded
from memoryos_ports.events import EventLog
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Page, only_pages

PATIENCE_S = 10.0
"""How long is waited for what is being written."""

_AT_ONCE = 200


class ForgottenSession(msgspec.Struct, frozen=True, kw_only=True):
    """What went with a conversation: ids of memories, and how many queued and dead events."""

    deleted: list[MemoryId]
    events: int


class Sessions:
    """Forgets sessions; what is redelivered of them later is dropped."""

    def __init__(
        self,
        *,
        library: Library,
        events: EventLog,
        conversations: Conversations,
        deletion: Deletion,
        refusals: Refusals,
        registry: Registry,
        gate: ScopeGate,
        locks: ScopeLocks,
        clock: Clock,
    ) -> None:
        self._library = library
        self._events = events
        self._conversations = conversations
        self._deletion = deletion
        self._refusals = refusals
        self._registry = registry
        self._gate = gate
        self._locks = locks
        self._clock = clock

    async def forget(self, scope: Scope, session_id: SessionId, *, actor: str = "api") -> ForgottenSession:
        """Forget a session; what is said in it from now on is remembered again.

        Raises NotFound when nothing is known of it, Overloaded when what is being written does not come to an end,
        Conflict when the user is erased meanwhile.
        """
        erasure = await self._refusals.erasure(scope)
        async with self._gate.alone(scope, patience_s=PATIENCE_S) as is_alone, self._locks.of(scope):
            if not is_alone:
                raise Overloaded("what is being written for this user")
            await self._refusals.require_same(scope, erasure)
            await self._refusals.note_forgotten(scope, session_id, self._clock.now())
            events = await self._events.erase(scope, session_id=session_id)
            deleted: list[MemoryId] = []
            async for pages in self._pages(scope, session_id):
                deleted += await self._deletion.remove(scope, pages, actor=actor)
            known = await self._conversations.forget(scope, session_id)
            known += await self._registry.drop_session(scope, session_id)
        if not (events or deleted or known):
            raise NotFound("session", session_id)
        return ForgottenSession(deleted=list(dict.fromkeys(deleted)), events=events)

    async def _pages(self, scope: Scope, session_id: SessionId) -> AsyncIterator[list[Page]]:
        """Yield stretches of the pages that are there, until there are none: what is yielded is deleted."""
        while True:
            listed = await self._library.browse(scope, limit=_AT_ONCE, session_id=session_id)
            if not (pages := only_pages(listed.memories)):
                return
            yield pages
