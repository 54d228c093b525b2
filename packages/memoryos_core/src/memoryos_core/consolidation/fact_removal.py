"""What remains of facts when their sources go. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from memoryos_core.consolidation.facts import KnownFact, standing_so
from memoryos_core.extraction.extract import extract_all
from memoryos_core.extraction.lineage import BEGINNING_UNKNOWN, standings
from memoryos_core.extraction.statement import Statement, slot_key, takes_one
from memoryos_core.extraction.words import normalise
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import Page


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """`deleted` are facts that go, `changed` those that stay and are to be written again."""

    deleted: tuple[MemoryId, ...] = ()
    changed: tuple[KnownFact, ...] = ()


def remaining_sources(facts: Iterable[KnownFact], pages: Collection[MemoryId]) -> list[MemoryId]:
    """Return the other sources of the facts that these pages told."""
    touched = [fact for fact in facts if not set(pages).isdisjoint(fact.sources)]
    return list({source: None for fact in touched for source in fact.sources if source not in pages})


def remove_sources(
    facts: Sequence[KnownFact], pages: Collection[MemoryId], remaining: Mapping[MemoryId, Page]
) -> Removal:
    """Return what becomes of facts when these pages go; `remaining` are the other sources of those that they told.

    A fact without any other source goes, unless it is pinned. Those of the same slots are as if it, or what the pages
    said of the others, had never been heard.
    """
    touched = [fact for fact in facts if not set(pages).isdisjoint(fact.sources)]
    poorer = {fact.id: _without(fact, pages, remaining) for fact in touched}
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
    slots: dict[tuple[str | None, ...], list[KnownFact]] = {}
    for fact in facts:
        if not fact.pinned:
            slots.setdefault(_slot_of(fact), []).append(fact)
    stood: dict[MemoryId, KnownFact] = {}
    for same in slots.values():
        found = standings(same, alone=takes_one(same[0].slot))
        stood |= {fact.id: standing_so(fact, standing) for fact, standing in zip(same, found, strict=True)}
    return [stood.get(fact.id, fact) for fact in facts]


def _without(fact: KnownFact, pages: Collection[MemoryId], remaining: Mapping[MemoryId, Page]) -> KnownFact:
    """Return the fact as its other sources tell it, in their words; what only a page that goes may have ended holds
    again, and of what only its end is told the beginning is not known.
    """
    sources = tuple(page for page in fact.sources if page not in pages)
    fact = msgspec.structs.replace(fact, sources=sources)
    told = [remaining[page] for page in sources if page in remaining]
    if not told or fact.pinned:
        return fact
    heard = [statement for statement in extract_all(told) if statement.key == _key(fact)]
    endings = {said.source for said in heard if said.ended} - {said.source for said in heard if not said.ended}
    moments = [page.timestamp for page in told if page.id not in endings] or [BEGINNING_UNKNOWN]
    still_ended = fact.superseded_by or fact.valid_to in {page.timestamp for page in told}
    return msgspec.structs.replace(
        fact,
        text=_text(fact, told, heard),
        valid_from=min(moments),
        confirmed_at=max(moments),
        valid_to=fact.valid_to if still_ended else None,
    )


def _text(fact: KnownFact, told: Iterable[Page], heard: Sequence[Statement]) -> str:
    """Return how these pages say it: as they last said that it holds, else that it ended; else its value alone."""
    if said := [statement for statement in heard if not statement.ended] or heard:
        return max((statement.told_at, statement.text) for statement in said)[1]
    return fact.text if any(fact.text in page.text for page in told) else fact.value or fact.text


def _key(fact: KnownFact) -> tuple[str, ...]:
    return (*slot_key(fact.subject, fact.speaker, fact.slot), normalise(fact.value))


def _slot_of(fact: KnownFact) -> tuple[str | None, ...]:
    return (fact.agent_id, *slot_key(fact.subject, fact.speaker, fact.slot))
