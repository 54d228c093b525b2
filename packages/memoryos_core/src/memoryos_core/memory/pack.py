"""Packing: which of the ranked memories go into a prompt, within a token budget."""

from collections.abc import Callable, Iterable, Sequence

from memoryos_core.memory.rank import Hit, KnowledgeHit
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Memory, Page

MAX_FACTS = 8
"""The most facts that enter a prompt."""

FACTS_SHARE = 0.25
"""How much of the budget facts may take: the turns themselves say more than what was made of them."""

MIN_FACT_SCORE = 0.2
"""Facts that score below this do not enter a prompt."""


def pack(
    hits: Sequence[Hit],
    knowledge: Sequence[KnowledgeHit],
    *,
    budget_tokens: int,
    cost: Callable[[Memory], int],
    min_score: float = 0.0,
) -> list[Memory]:
    """Return what goes into a prompt: facts, oldest first, then pages, oldest first, within the budget.

    `hits` and `knowledge` come best first. A fact is left out when a page that tells it is in.
    """
    share = int(budget_tokens * FACTS_SHARE)
    facts = fit_facts(knowledge, budget_tokens=share, cost=cost)
    left = budget_tokens - sum(map(cost, facts))
    pages = fit_to_budget(hits, budget_tokens=left, cost=cost, min_score=min_score)
    told = {page.id for page in pages}
    return [*(fact for fact in facts if told.isdisjoint(fact.sources)), *pages]


def fit_facts(knowledge: Sequence[KnowledgeHit], *, budget_tokens: int, cost: Callable[[Memory], int]) -> list[Fact]:
    """Return the best facts whose costs together stay within the budget, oldest first; each statement once."""
    chosen: dict[str, Fact] = {}
    left = budget_tokens
    for hit in knowledge:
        fact = hit.memory
        if not isinstance(fact, Fact) or hit.score < MIN_FACT_SCORE or fact.text in chosen or cost(fact) > left:
            continue
        chosen[fact.text] = fact
        left -= cost(fact)
        if len(chosen) == MAX_FACTS:
            break
    return sorted(chosen.values(), key=lambda fact: (fact.valid_from, fact.id))


def chronological(pages: Iterable[Page]) -> list[Page]:
    """Return pages oldest first: by timestamp, then acceptance, then place in their event."""
    return sorted(pages, key=lambda page: (page.timestamp, page.accepted_at, page.index, page.id))


def fit_to_budget(
    hits: Sequence[Hit], *, budget_tokens: int, cost: Callable[[Page], int], min_score: float = 0.0
) -> list[Page]:
    """Return the best pages whose costs together stay within the budget, oldest first.

    `hits` come best first. A page that does not fit is passed over, a smaller one after it may still fit. Pages of
    the same speaker and text are taken once. Hits that score below `min_score` (0..1) are left out.
    """
    chosen: list[Page] = []
    seen: set[tuple[str, str]] = set()
    left = budget_tokens
    for hit in hits:
        page = hit.page
        key = (page.name or page.role, page.text)
        if hit.score < min_score or key in seen or (price := cost(page)) > left:
            continue
        seen.add(key)
        chosen.append(page)
        left -= price
    return chronological(chosen)
