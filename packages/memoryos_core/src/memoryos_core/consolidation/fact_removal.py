"""What remains of facts when their sources go. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from memoryos_core.consolidation.facts import KnownFact, closings, standing_so
from memoryos_core.extraction.lineage import Nothing, Supersede, Update, decide
from memoryos_core.extraction.statement import Statement, slot_key
from memoryos_ports.ids import MemoryId


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """`deleted` are facts that go, `changed` those that stay and are to be written again."""

    deleted: tuple[MemoryId, ...] = ()
    changed: tuple[KnownFact, ...] = ()


def remaining_sources(facts: Iterable[KnownFact], pages: Collection[MemoryId]) -> list[MemoryId]:
    """Return the other sources of the facts that these pages told."""
    touched = [fact for fact in facts if not set(pages).isdisjoint(fact.sources)]
    return list({source: None for fact in touched for source in fact.sources if source not in pages})


def remove_sources(
    facts: Sequence[KnownFact], pages: Collection[MemoryId], said_at: Mapping[MemoryId, datetime]
) -> Removal:
    """Return what becomes of facts when these pages go; `said_at` tells when the remaining sources were said.

    A fact without any other source goes, unless it is pinned. Those of the same slots are as if it, or what the pages
    said of the others, had never been heard.
    """
    touched = [fact for fact in facts if not set(pages).isdisjoint(fact.sources)]
    poorer = {fact.id: _without(fact, pages, said_at) for fact in touched}
    doomed = {fact.id for fact in poorer.values() if not fact.sources and not fact.pinned}
    kept = [poorer.get(fact.id, fact) for fact in facts if fact.id not in doomed]
    return Removal(deleted=tuple(doomed), changed=_changed(facts, kept, touched))


def remove_facts(facts: Sequence[KnownFact], doomed: Collection[MemoryId]) -> Removal:
    """Return what becomes of the others when these facts go."""
    gone = [fact for fact in facts if fact.id in doomed]
    kept = [fact for fact in facts if fact.id not in doomed]
    return Removal(deleted=tuple(fact.id for fact in gone), changed=_changed(facts, kept, gone))


def _changed(
    before: Iterable[KnownFact], kept: Iterable[KnownFact], touched: Iterable[KnownFact]
) -> tuple[KnownFact, ...]:
    slots = {_slot_of(fact) for fact in touched}
    same = {fact.id: fact for fact in before}
    stood = _stand_again([fact for fact in kept if _slot_of(fact) in slots])
    return tuple(fact for fact in stood if fact != same[fact.id])


def _stand_again(facts: Sequence[KnownFact]) -> list[KnownFact]:
    """Return facts as they follow each other when nothing but these was ever said; a pinned one stays as it is."""
    stood: dict[MemoryId, KnownFact] = {}
    for fact in facts:
        for saying in _sayings(fact):
            rivals = [other for other in stood.values() if _slot_of(other) == _slot_of(fact)]
            decision = decide(saying, rivals)
            if isinstance(decision, Nothing):
                continue
            stood[fact.id] = standing_so(fact, decision.standing)
            if isinstance(decision, Supersede | Update):
                stood |= {other.id: other for other in closings(stood, decision.closed, follower=fact.id)}
    return [stood.get(fact.id, fact) for fact in facts]


def _sayings(fact: KnownFact) -> list[Statement]:
    """Return the moments at which it was first and last said, and at which it ended."""
    if fact.pinned:
        return []
    ended = [] if fact.superseded_by or fact.valid_to is None else [fact.valid_to]
    moments = [(fact.valid_from, False), (fact.confirmed_at, False), *((moment, True) for moment in ended)]
    return [
        Statement(
            text=fact.text,
            value=fact.value,
            valid_from=moment,
            source=fact.id,
            subject=fact.subject,
            speaker=fact.speaker,
            slot=fact.slot,
            ended=is_end,
        )
        for moment, is_end in moments
    ]


def _without(fact: KnownFact, pages: Collection[MemoryId], said_at: Mapping[MemoryId, datetime]) -> KnownFact:
    """Return the fact as its other sources tell it; what only a page that goes may have ended holds again."""
    sources = tuple(page for page in fact.sources if page not in pages)
    fact = msgspec.structs.replace(fact, sources=sources)
    moments = [said_at[page] for page in sources if page in said_at]
    if not moments or fact.pinned:
        return fact
    still_ended = fact.superseded_by or fact.valid_to in moments
    return msgspec.structs.replace(
        fact,
        valid_from=min(moments),
        confirmed_at=max(moments),
        valid_to=fact.valid_to if still_ended else None,
    )


def _slot_of(fact: KnownFact) -> tuple[str | None, ...]:
    return (fact.agent_id, *slot_key(fact.subject, fact.speaker, fact.slot))
