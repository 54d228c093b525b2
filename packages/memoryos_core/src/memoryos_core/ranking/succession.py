"""Facts that follow each other: which fact holds now instead of one that has ended."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from memoryos_ports.ids import MemoryId
from memoryos_ports.knowledge import Fact


def unknown_successors(facts: Mapping[MemoryId, Fact], *, held_at: datetime) -> frozenset[MemoryId]:
    """Return the ids of facts that came in the place of those that ended, and are not among them."""
    named = {fact.superseded_by for fact in facts.values() if not fact.holds_at(held_at)}
    return frozenset(id_ for id_ in named if id_ is not None and id_ not in facts)


def outdated_sources(facts: Iterable[Fact], *, held_at: datetime) -> dict[MemoryId, frozenset[MemoryId]]:
    """Return, by the id of a fact that holds, the pages that tell what it has replaced."""
    known = {fact.id: fact for fact in facts}
    pages: dict[MemoryId, frozenset[MemoryId]] = {}
    for fact in known.values():
        holding = _holding(fact, known, held_at)
        if holding is not None and holding.id != fact.id:
            told = pages.get(holding.id, frozenset()) | set(fact.sources)
            pages[holding.id] = told - set(holding.sources)
    return pages


def _holding(fact: Fact, known: Mapping[MemoryId, Fact], held_at: datetime) -> Fact | None:
    """Return the fact at the end of the chain that begins with this one, None when the chain leads nowhere."""
    seen: set[MemoryId] = set()
    at: Fact | None = fact
    while at is not None and not at.holds_at(held_at):
        seen.add(at.id)
        after = at.superseded_by
        at = None if after is None or after in seen else known.get(after)
    return at
