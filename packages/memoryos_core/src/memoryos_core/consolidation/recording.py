"""Entering what pages state as facts, and the profile that is made of them."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from memoryos_core.consolidation.fact_store import EmbeddedFact, FactStore
from memoryos_core.consolidation.facts import KnownFact, Ledger, Told
from memoryos_core.consolidation.fence import Fence
from memoryos_core.consolidation.memo import Memo
from memoryos_core.consolidation.places import Places
from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.extraction.statement import Statement
from memoryos_ports.clock import Clock
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.memory import Page


class _Entered(msgspec.Struct, frozen=True, kw_only=True):
    changed: list[EmbeddedFact]
    facts: list[KnownFact]


class Recorder:
    """Enters statements: facts first, then the profile. Held while they are recorded: the scope's lock, by who calls.

    Statements have ids of their own, so that pages that are read again tell nothing twice; nor do they bring back a
    fact that was deleted.
    """

    def __init__(self, *, facts: FactStore, places: Places, profile: ProfileService, clock: Clock) -> None:
        self._facts = facts
        self._places = places
        self._profile = profile
        self._clock = clock

    async def read_ahead(
        self, scope: Scope, pages: Mapping[MemoryId, Page], statements: Sequence[Statement], memo: Memo
    ) -> None:
        """Embed what is to be recorded, as far as that is known before the lock is taken."""
        await self._entered(scope, pages, statements, memo)

    async def record(
        self, scope: Scope, pages: Mapping[MemoryId, Page], statements: Sequence[Statement], fence: Fence, memo: Memo
    ) -> None:
        """Enter what these pages state; a statement of another page is passed over. Raises LeaseLost, and nothing is
        written then.
        """
        entered = await memo.settled(partial(self._entered, scope, pages, statements, memo))
        await fence.check()
        if entered is not None:
            await self._facts.write(scope, entered.changed)
            await self._profile.refresh(scope, entered.facts)

    async def _entered(
        self, scope: Scope, pages: Mapping[MemoryId, Page], statements: Sequence[Statement], memo: Memo
    ) -> _Entered | None:
        """Return the facts as they are once these statements are entered, None when there is nothing to enter."""
        told = await self._told(scope, pages, statements)
        if not told:
            return None
        ledger = Ledger(await self._facts.all(scope))
        gone = await self._facts.gone(scope, [item.fact_id for item in told])
        now = self._clock.now()
        for item in told:
            if item.fact_id not in gone:
                ledger.enter(item, now=now)
        return _Entered(changed=await self._facts.embedded(ledger.changed, memo), facts=ledger.facts)

    async def _told(self, scope: Scope, pages: Mapping[MemoryId, Page], statements: Sequence[Statement]) -> list[Told]:
        known = [statement for statement in statements if statement.source in pages]
        places = await self._places.get(scope, list({statement.source: None for statement in known}))
        return [
            Told(statement=statement, page=pages[statement.source], edition=places[statement.source].edition)
            for statement in known
            if not places[statement.source].gone
        ]
