"""Entering what pages state as facts, and the profile that is made of them."""

from collections.abc import Mapping, Sequence

from memoryos_core.consolidation.fact_store import FactStore
from memoryos_core.consolidation.facts import Ledger, Told
from memoryos_core.consolidation.fence import Fence
from memoryos_core.consolidation.places import Places
from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.extraction.statement import Statement
from memoryos_ports.clock import Clock
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.memory import Page


class Recorder:
    """Enters statements: facts first, then the profile. Held: the scope's lock, by whoever calls.

    Statements have ids of their own, so that pages that are read again tell nothing twice; nor do they bring back a
    fact that was deleted.
    """

    def __init__(self, *, facts: FactStore, places: Places, profile: ProfileService, clock: Clock) -> None:
        self._facts = facts
        self._places = places
        self._profile = profile
        self._clock = clock

    async def record(
        self, scope: Scope, pages: Mapping[MemoryId, Page], statements: Sequence[Statement], fence: Fence
    ) -> None:
        """Enter what these pages state; a statement of another page is passed over. Raises LeaseLost, and nothing is
        written then.
        """
        told = await self._told(scope, pages, statements)
        ledger = Ledger(await self._facts.all(scope) if told else ())
        gone = await self._facts.gone(scope, [item.fact_id for item in told])
        now = self._clock.now()
        for item in told:
            if item.fact_id not in gone:
                ledger.enter(item, now=now)
        await fence.check()
        if told:
            await self._facts.put(scope, ledger.changed)
            await self._profile.refresh(scope, ledger.facts)

    async def _told(self, scope: Scope, pages: Mapping[MemoryId, Page], statements: Sequence[Statement]) -> list[Told]:
        known = [statement for statement in statements if statement.source in pages]
        places = await self._places.get(scope, list({statement.source: None for statement in known}))
        return [
            Told(statement=statement, page=pages[statement.source], edition=places[statement.source].edition)
            for statement in known
            if not places[statement.source].gone
        ]
