"""Bringing the facts that hold now beside those found that have ended: nearness to a question does not bring them."""

from collections.abc import Callable
from datetime import datetime

from memoryos_core.ranking.succession import unknown_successors
from memoryos_ports.ids import Scope
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Found, KnowledgeCandidate, MemoryStorage

_SUCCESSIONS = 3  # facts that follow each other, looked up one after the other


async def with_successors(
    storage: MemoryStorage, scope: Scope, found: Found, *, held_at: datetime, admits: Callable[[Fact], bool]
) -> Found:
    """Return what was found, and those admitted of the facts that came in the place of what had ended at `held_at`."""
    facts = {one.memory.id: one.memory for one in found.knowledge if isinstance(one.memory, Fact)}
    brought: list[Fact] = []
    for _ in range(_SUCCESSIONS):
        ids = unknown_successors(facts, held_at=held_at)
        got = await storage.get(scope, sorted(ids)) if ids else []
        new = [fact for fact in got if isinstance(fact, Fact) and admits(fact)]
        if not new:
            break
        brought += new
        facts |= {fact.id: fact for fact in new}
    return Found(
        pages=found.pages, knowledge=[*found.knowledge, *(KnowledgeCandidate(memory=fact) for fact in brought)]
    )
