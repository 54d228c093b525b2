"""Editing a profile: what a person writes into it is known as a fact as well, so that it is found like any other."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from memoryos_core.consolidation.derivatives import Derivatives
from memoryos_core.consolidation.fact_store import FactStore
from memoryos_core.consolidation.facts import KnownFact
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.consolidation.profile import Profile, ProfileEntry, ProfileService
from memoryos_core.extraction.slots import is_slot, slot_named
from memoryos_core.extraction.statement import slot_key
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.clock import Clock
from memoryos_ports.ids import MemoryId, Scope, fact_id


class ProfileEditing:
    """Writes profiles. An entry that no fact stands behind gets a pinned one, which is edited and goes with it.

    `locks` are those of consolidation, which writes facts and the profile too.
    """

    def __init__(
        self,
        *,
        profile: ProfileService,
        facts: FactStore,
        derivatives: Derivatives,
        refusals: Refusals,
        gate: ScopeGate,
        locks: ScopeLocks,
        clock: Clock,
        rules: SensitiveRules | None = None,
    ) -> None:
        self._profile = profile
        self._facts = facts
        self._derivatives = derivatives
        self._refusals = refusals
        self._gate = gate
        self._locks = locks
        self._clock = clock
        self._rules = rules or SensitiveRules()

    async def write(self, scope: Scope, entries: Sequence[ProfileEntry], version: int) -> None:
        """Replace the entries of the version that was read; what is new or differs is pinned.

        Raises VersionConflict when somebody else was faster, Conflict when the user is erased meanwhile; then nothing
        is changed.
        """
        async with self._gate.writing(scope):
            erasure = await self._refusals.erasure(scope)
            async with self._locks.of(scope):
                before, _ = await self._profile.read(scope)
                known = await self._facts.all(scope)
                await self._refusals.require_same(scope, erasure)
                await self._profile.write(scope, self._named(scope, entries, before, version), version)
                after, _ = await self._profile.read(scope)
                edited = _edited(scope, before, after, known, now=self._clock.now())
                facts = await self._facts.embedded(edited, self._facts.memo())
                await self._refusals.require_same(scope, erasure)
                await self._facts.write(scope, facts)
            kept = {entry.fact_id for entry in after.entries}
            told = {entry.fact_id for entry in before.entries}
            gone = [fact.id for fact in known if _is_own(fact) and fact.id in told and fact.id not in kept]
            if gone:
                await self._derivatives.forget_facts(scope, gone)

    def _named(
        self, scope: Scope, entries: Sequence[ProfileEntry], before: Profile, version: int
    ) -> list[ProfileEntry]:
        """Return entries with the ids of their facts; a new one's is never used again, as ids of deleted facts stay."""
        return [
            entry if entry in before.entries else self._marked(entry, _fact_id(scope, version, place))
            for place, entry in enumerate(entries)
        ]

    def _marked(self, entry: ProfileEntry, id_: MemoryId) -> ProfileEntry:
        sensitive = entry.sensitive or self._rules.match_texts([entry.text, entry.value])
        return msgspec.structs.replace(entry, fact_id=entry.fact_id or id_, sensitive=sensitive)


def _fact_id(scope: Scope, version: int, place: int) -> MemoryId:
    return fact_id(scope, MemoryId("profile"), f"{version}:{place}")


def _is_own(fact: KnownFact) -> bool:
    """Return whether nothing but the profile tells a fact."""
    return fact.pinned and not fact.sources


def _edited(
    scope: Scope, before: Profile, after: Profile, known: Sequence[KnownFact], *, now: datetime
) -> list[KnownFact]:
    """Return the facts that are new or other than before."""
    facts = {fact.id: fact for fact in known}
    changed: dict[MemoryId, KnownFact] = {}
    for entry in after.entries:
        fact = facts.get(entry.fact_id) if entry.fact_id else None
        if entry.fact_id is None or entry in before.entries or (fact is not None and not _is_own(fact)):
            continue
        made = _fact(scope, entry.fact_id, entry, since=fact.valid_from if fact else now, now=now)
        changed |= {other.id: other for other in _ended(known, made, now)}
        changed[made.id] = made
    return list(changed.values())


def _fact(scope: Scope, id_: MemoryId, entry: ProfileEntry, *, since: datetime, now: datetime) -> KnownFact:
    return KnownFact(
        id=id_,
        scope=scope,
        text=entry.text,
        slot=entry.slot,
        value=entry.value or entry.text,
        speaker=entry.speaker,
        valid_from=since,
        confirmed_at=now,
        recorded_at=now,
        sensitive=entry.sensitive,
        pinned=True,
    )


def _ended(known: Iterable[KnownFact], made: KnownFact, now: datetime) -> Iterator[KnownFact]:
    """Yield what was learnt of a slot that takes one value, and ends now that a person has filled it."""
    if made.slot is None or not is_slot(made.slot) or not slot_named(made.slot).single:
        return
    for fact in known:
        rivals = slot_key(fact.subject, fact.speaker, fact.slot) == slot_key("user", made.speaker, made.slot)
        if rivals and not fact.pinned and fact.holds_at(now):
            yield msgspec.structs.replace(fact, valid_to=now, superseded_by=made.id)
