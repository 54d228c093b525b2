"""What was learnt from pages goes with them."""

from collections.abc import Sequence

import msgspec

from memoryos_core.consolidation.fact_removal import Removal, remaining_sources, remove_facts, remove_sources
from memoryos_core.consolidation.fact_store import FactStore
from memoryos_core.consolidation.facts import KnownFact, Ledger
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.consolidation.own_pages import own_pages
from memoryos_core.consolidation.places import Places
from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.consolidation.segment_store import SegmentStore
from memoryos_core.consolidation.segments import redrawn, without
from memoryos_ports.errors import NotFound
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import MemoryStorage, only_pages


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """Facts and segments that went with their pages, and those that stay without them."""

    deleted: tuple[MemoryId, ...] = ()
    changed: tuple[MemoryId, ...] = ()


class Derivatives:
    """Facts, segments and profile entries that were made of pages.

    Called before the pages themselves are deleted, hidden or edited; a call that failed is made again, as often as
    need be. From the first step on nothing new is learnt from the pages, until `Backlog.renew` says that they changed.
    """

    def __init__(
        self,
        *,
        storage: MemoryStorage,
        segments: SegmentStore,
        facts: FactStore,
        places: Places,
        profile: ProfileService,
        locks: ScopeLocks,
    ) -> None:
        self._storage = storage
        self._segments = segments
        self._facts = facts
        self._places = places
        self._profile = profile
        self._locks = locks

    async def forget(self, scope: Scope, page_ids: Sequence[MemoryId]) -> Forgotten:
        """Take pages out of everything that was learnt from them; return what went and what changed.

        A fact told by no other page is deleted, and what it had followed holds again; a segment is drawn and
        summarised again from its other pages, deleted without any; the profile follows. Raises what the ports raise.
        """
        pages = set(page_ids)
        async with self._locks.of(scope):
            places = await self._places.get(scope, page_ids)
            facts = await self._take_from_facts(scope, pages)
            segments = await self._take_from_segments(scope, pages, [p.segment for p in places.values() if p.segment])
            await self._places.leave(scope, page_ids)
        return Forgotten(deleted=(*facts.deleted, *segments.deleted), changed=(*facts.changed, *segments.changed))

    async def forget_facts(self, scope: Scope, fact_ids: Sequence[MemoryId]) -> Forgotten:
        """Delete facts themselves; what they had followed holds again, and the profile follows."""
        async with self._locks.of(scope):
            facts = await self._facts.all(scope)
            return await self._facts_removed(scope, facts, remove_facts(facts, set(fact_ids)))

    async def amend(self, fact: Fact) -> Fact:
        """Give a known fact the text, value and marks that a person gave it; the profile follows at once.

        Return it as it is then. Raises NotFound when it was deleted meanwhile.
        """
        async with self._locks.of(fact.scope):
            ledger = Ledger(await self._facts.all(fact.scope))
            amended = [_amended(known, fact) for known in ledger.facts if known.id == fact.id]
            if not amended:
                raise NotFound("memory", fact.id)
            ledger.replace(amended)
            await self._facts.put(fact.scope, amended)
            await self._profile.refresh(fact.scope, ledger.facts, amended=fact.id)
            return amended[0].bare

    async def _facts_removed(self, scope: Scope, facts: Sequence[KnownFact], removal: Removal) -> Forgotten:
        ledger = Ledger(facts)
        ledger.remove(removal.deleted)
        ledger.replace(removal.changed)
        await self._profile.refresh(scope, ledger.facts)
        await self._facts.put(scope, removal.changed)
        await self._facts.delete(scope, removal.deleted)  # last: until then a call again finds what has to change
        return Forgotten(deleted=removal.deleted, changed=tuple(fact.id for fact in removal.changed))

    async def _take_from_facts(self, scope: Scope, pages: set[MemoryId]) -> Forgotten:
        facts = await self._facts.all(scope)
        others = only_pages(await self._storage.get(scope, remaining_sources(facts, pages)))
        removal = remove_sources(facts, pages, {page.id: page for page in others})
        return await self._facts_removed(scope, facts, removal)

    async def _take_from_segments(
        self, scope: Scope, pages: set[MemoryId], segment_ids: Sequence[MemoryId]
    ) -> Forgotten:
        segments = await self._segments.get(scope, list(dict.fromkeys(segment_ids)))
        poorer = [without(segment, pages) for segment in segments]
        empty = [segment.id for segment in poorer if not segment.pages]
        redone = [await self._redrawn(segment) for segment in poorer if segment.pages]
        await self._segments.delete(scope, empty)
        await self._segments.put(scope, redone)
        return Forgotten(deleted=tuple(empty), changed=tuple(segment.id for segment in redone))

    async def _redrawn(self, segment: Segment) -> Segment:
        if segment.evicted:
            return segment
        pages = await own_pages(self._storage, segment.scope, segment.pages)
        return redrawn(segment, pages) if pages else segment


def _amended(known: KnownFact, said: Fact) -> KnownFact:
    """Return the fact in a person's words; its times and sources are those that are known now."""
    return msgspec.structs.replace(
        known, text=said.text, value=said.value, pinned=said.pinned, sensitive=known.sensitive or said.sensitive
    )
