"""What was learnt from pages goes with them."""

from collections.abc import Sequence
from functools import partial

import msgspec

from memoryos_core.consolidation.fact_removal import Removal, remaining_sources, remove_facts, remove_sources
from memoryos_core.consolidation.fact_store import EmbeddedFact, FactStore
from memoryos_core.consolidation.facts import KnownFact, Ledger
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.consolidation.memo import Memo
from memoryos_core.consolidation.own_pages import own_pages
from memoryos_core.consolidation.places import Places
from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.consolidation.segment_store import Cluster, SegmentStore
from memoryos_core.consolidation.segments import redrawn, without
from memoryos_ports.errors import NotFound
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import MemoryStorage, only_pages


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """Facts and segments that went with their pages, and those that stay without them."""

    deleted: tuple[MemoryId, ...] = ()
    changed: tuple[MemoryId, ...] = ()


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All facts as they are to be, which of them went and which are to be written."""

    facts: Sequence[KnownFact]
    deleted: tuple[MemoryId, ...]
    changed: Sequence[EmbeddedFact]


class _Segments(msgspec.Struct, frozen=True, kw_only=True):
    deleted: tuple[MemoryId, ...]
    changed: Sequence[Cluster]


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
        pages, memo = set(page_ids), self._facts.memo()
        async with self._locks.of(scope):
            facts = await self._write_facts(scope, await memo.settled(partial(self._poorer, scope, pages, memo)))
            segments = await self._write_segments(scope, await memo.settled(partial(self._left, scope, pages, memo)))
            await self._places.leave(scope, page_ids)
        return Forgotten(deleted=(*facts.deleted, *segments.deleted), changed=(*facts.changed, *segments.changed))

    async def forget_facts(self, scope: Scope, fact_ids: Sequence[MemoryId]) -> Forgotten:
        """Delete facts themselves; what they had followed holds again, and the profile follows."""
        doomed, memo = set(fact_ids), self._facts.memo()

        async def left() -> _Facts:
            facts = await self._facts.all(scope)
            return await self._embedded(facts, remove_facts(facts, doomed), memo)

        async with self._locks.of(scope):
            return await self._write_facts(scope, await memo.settled(left))

    async def amend(self, fact: Fact) -> Fact:
        """Give a known fact the text, value and marks that a person gave it; the profile follows at once.

        Return it as it is then. Raises NotFound when it was deleted meanwhile.
        """
        memo = self._facts.memo()

        async def amended() -> _Facts:
            facts = await self._facts.all(fact.scope)
            changed = tuple(_amended(known, fact) for known in facts if known.id == fact.id)
            if not changed:
                raise NotFound("memory", fact.id)
            return await self._embedded(facts, Removal(changed=changed), memo)

        async with self._locks.of(fact.scope):
            found = await memo.settled(amended)
            await self._facts.write(fact.scope, found.changed)
            await self._profile.refresh(fact.scope, found.facts, amended=fact.id)
            return found.changed[0].fact.bare

    async def _poorer(self, scope: Scope, pages: set[MemoryId], memo: Memo) -> _Facts:
        """Return the facts of a scope without what these pages told."""
        facts = await self._facts.all(scope)
        others = only_pages(await self._storage.get(scope, remaining_sources(facts, pages)))
        return await self._embedded(facts, remove_sources(facts, pages, {page.id: page for page in others}), memo)

    async def _embedded(self, facts: Sequence[KnownFact], removal: Removal, memo: Memo) -> _Facts:
        ledger = Ledger(facts)
        ledger.remove(removal.deleted)
        ledger.replace(removal.changed)
        changed = await self._facts.embedded(removal.changed, memo)
        return _Facts(facts=ledger.facts, deleted=removal.deleted, changed=changed)

    async def _write_facts(self, scope: Scope, found: _Facts) -> Forgotten:
        await self._profile.refresh(scope, found.facts)
        await self._facts.write(scope, found.changed)
        await self._facts.delete(scope, found.deleted)  # last: until then a call again finds what has to change
        return Forgotten(deleted=found.deleted, changed=tuple(item.fact.id for item in found.changed))

    async def _left(self, scope: Scope, pages: set[MemoryId], memo: Memo) -> _Segments:
        """Return the segments of these pages without them; one without any other page that may be shown goes."""
        places = await self._places.get(scope, sorted(pages))
        ids = dict.fromkeys(place.segment for place in places.values() if place.segment)
        poorer = [without(segment, pages) for segment in await self._segments.get(scope, list(ids))]
        drawn = {segment.id: await self._redrawn(segment) for segment in poorer}
        kept = [segment for segment in drawn.values() if segment is not None]
        clusters = await self._segments.completed(scope, await self._segments.clusters(scope, kept), memo)
        return _Segments(deleted=tuple(id_ for id_, segment in drawn.items() if segment is None), changed=clusters)

    async def _write_segments(self, scope: Scope, found: _Segments) -> Forgotten:
        await self._segments.delete(scope, found.deleted)
        await self._segments.write(scope, found.changed)
        return Forgotten(deleted=found.deleted, changed=tuple(cluster.segment.id for cluster in found.changed))

    async def _redrawn(self, segment: Segment) -> Segment | None:
        if not segment.pages or segment.evicted:
            return segment if segment.pages else None
        pages = await own_pages(self._storage, segment.scope, segment.pages)
        return redrawn(segment, pages) if pages else None


def _amended(known: KnownFact, said: Fact) -> KnownFact:
    """Return the fact in a person's words; its times and sources are those that are known now."""
    return msgspec.structs.replace(
        known, text=said.text, value=said.value, pinned=said.pinned, sensitive=known.sensitive or said.sensitive
    )
