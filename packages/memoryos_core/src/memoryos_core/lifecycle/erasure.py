"""Erasing a user: every store is emptied of them, looked at again, and what could not be reached is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec
from loguru import logger

from memoryos_core.caller import owner_of
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.preferences import Preferences
from memoryos_core.lifecycle.quarantine import Quarantine
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.lifecycle.registry import Registry
from memoryos_ports.clock import Clock
from memoryos_ports.documents import DocumentStore
from memoryos_ports.due import DueSet
from memoryos_ports.errors import MemoryOSError, UpstreamError
from memoryos_ports.events import EventLog
from memoryos_ports.ids import Scope
from memoryos_ports.memory import MemoryStorage
from memoryos_ports.residue import Residual
from memoryos_ports.short_term import ShortTermStore

PATIENCE_S = 10.0
"""How long is waited for what is being written: beyond it the erasure goes on, and is partial."""

IN_HAND = "in_hand"

Erase: TypeAlias = Callable[[Scope], Awaitable[int]]
"""Removes what a store holds of a scope, and returns how much that was: done again, 0 is the proof."""

Forget: TypeAlias = Callable[[str], None]
"""Drops what a cache keeps of an owner (`owner_of` a scope); one that cannot tell drops all that it keeps."""


class ErasureReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure did.

    `erased` counts per store what was removed, `left` what a second look found there: 0, or it is not complete.
    `not_reached` names the stores that did not answer, and ``in_hand`` when something was being written all the time.
    What is no content stays uncounted: the watermark, that nothing is to be remembered, fingerprints of released pages.
    `pending` says which files still hold bytes that nothing tells any more, and what takes them away by itself.
    """

    state: Literal["complete", "partial"]
    erased_at: datetime
    erased: dict[str, int]
    left: dict[str, int]
    not_reached: list[str]
    pending: list[str]


class Erasure:
    """Erases users. Repeatable, at any time: what was accepted before is dropped for ever, what comes later is new.

    It is alone: in this process by the gate, among all by the locks of those who edit and of those who learn. Whom it
    did not wait for is told, and writes nothing: an editor looks at the watermark first, a learner at the lease.
    """

    def __init__(
        self,
        *,
        stores: Mapping[str, Erase],
        residual: Mapping[str, Residual],
        refusals: Refusals,
        caches: Sequence[Forget],
        preferences: Preferences,
        gate: ScopeGate,
        edit_locks: ScopeLocks,
        locks: ScopeLocks,
        clock: Clock,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._stores = stores
        self._residual = residual
        self._refusals = refusals
        self._caches = caches
        self._preferences = preferences
        self._gate = gate
        self._locks = (edit_locks, locks)  # in the order in which everybody takes them
        self._clock = clock
        self._patience_s = patience_s

    async def erase(self, scope: Scope) -> ErasureReceipt:
        """Remove everything of a user; an unknown one gives a receipt of zeros.

        Raises what the document store raises when the watermark cannot be written: then nothing is erased.
        """
        async with self._gate.alone(scope, patience_s=self._patience_s) as is_alone:
            at = self._clock.now()
            await self._refusals.note_erasure(scope, at)
            async with self._locked(scope) as is_locked:  # what is in hand is written before, or not any more
                erased, missed = await self._visit(scope)
                self._forget(scope)
                left, missed_again = await self._visit(scope)
        not_reached = sorted({*missed, *missed_again, *([] if is_alone and is_locked else [IN_HAND])})
        is_complete = not not_reached and not any(left.values())
        receipt = ErasureReceipt(
            state="complete" if is_complete else "partial",
            erased_at=at,
            erased=erased,
            left=left,
            not_reached=not_reached,
            pending=[f"{name}: {residue}" for name, store in self._residual.items() if (residue := store.residue())],
        )
        logger.bind(state=receipt.state, erased=erased, not_reached=not_reached).info("user erased")
        return receipt

    @asynccontextmanager
    async def _locked(self, scope: Scope) -> AsyncIterator[bool]:
        """Hold the locks; yields whether they could be had within the patience."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._patience_s):
                    for locks in self._locks:
                        await held.enter_async_context(locks.of(scope))
            except (UpstreamError, TimeoutError) as exc:
                logger.bind(error=str(exc)).warning("an erasure goes on without a lock")
                is_locked = False
            else:
                is_locked = True
            yield is_locked

    async def _visit(self, scope: Scope) -> tuple[dict[str, int], list[str]]:
        """Return how much each store held, and which did not answer."""
        counts: dict[str, int] = {}
        missed: list[str] = []
        for name, erase in self._stores.items():
            try:
                async with asyncio.timeout(self._patience_s):
                    counts[name] = await erase(scope)
            except (MemoryOSError, TimeoutError) as exc:
                logger.bind(store=name, error=str(exc)).warning("store not reached by an erasure")
                missed.append(name)
        return counts, missed

    def _forget(self, scope: Scope) -> None:
        self._preferences.forget(scope)
        for forget in self._caches:
            forget(owner_of(scope))


def erasable_stores(
    *,
    events: EventLog,
    short_term: ShortTermStore,
    documents: DocumentStore,
    storage: MemoryStorage,
    due: DueSet,
    quarantine: Quarantine,
    registry: Registry,
) -> dict[str, Erase]:
    """Return what removes a scope from each store: what would bring something back goes first."""

    async def erase_due(scope: Scope) -> int:
        await due.erase(scope)
        return 0

    return {
        "events": events.erase,
        "due": erase_due,
        "short_term": short_term.erase,
        "index": storage.erase,
        "documents": documents.erase,
        "quarantine": quarantine.drop_user,
        "users": registry.drop_user,
    }


def residual_stores(**stores: object) -> dict[str, Residual]:
    """Return those of the stores that are `Residual`."""
    return {name: store for name, store in stores.items() if isinstance(store, Residual)}
