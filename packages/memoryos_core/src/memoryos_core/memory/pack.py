"""Packing: which of the ranked memories go into a prompt, within a token budget."""

from collections.abc import Callable, Iterable, Sequence

from memoryos_core.ranking.knowledge import KnowledgeHit
from memoryos_core.ranking.ranker import Hit
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Memory, Page

MAX_FACTS = 8
"""The most facts that enter a prompt."""

FACTS_SHARE = 0.25
"""How much of the budget facts may take: the turns themselves say more than what was made of them."""

MIN_FACT_COSINE = 0.25
"""Facts that are less near to the question than this, and share no word with it, do not enter a prompt.

But those on how the agent should behave: they hold whatever is asked.
"""


def pack(
    hits: Sequence[Hit],
    knowledge: Sequence[KnowledgeHit],
    *,
    budget_tokens: int,
    cost: Callable[[Memory], int],
) -> list[Memory]:
    """Return what goes into a prompt: facts, oldest first, then pages, oldest first, within the budget.

    `hits` and `knowledge` come best first. A fact is left out when a page that tells it is in.
    """
    share = int(budget_tokens * FACTS_SHARE)
    facts = fit_facts(knowledge, budget_tokens=share, cost=cost)
    left = budget_tokens - sum(map(cost, facts))
    pages = fit_to_budget(hits, budget_tokens=left, cost=cost)
    told = {page.id for page in pages}
    return [*(fact for fact in facts if told.isdisjoint(fact.sources)), *pages]


def fit_facts(knowledge: Sequence[KnowledgeHit], *, budget_tokens: int, cost: Callable[[Memory], int]) -> list[Fact]:
    """Return the best facts whose costs together stay within the budget, oldest first; each statement once."""
    chosen: dict[str, Fact] = {}
    left = budget_tokens
    for hit in knowledge:
        fact = hit.memory
        if not isinstance(fact, Fact) or fact.text in chosen or cost(fact) > left:
            continue
        if fact.subject != "agent" and not hit.bm25 and hit.cosine < MIN_FACT_COSINE:
            continue
        chosen[fact.text] = fact
        left -= cost(fact)
        if len(chosen) == MAX_FACTS:
            break
    return sorted(chosen.values(), key=lambda fact: (fact.valid_from, fact.id))


def chronological(pages: Iterable[Page]) -> list[Page]:
    """Return pages oldest first: by timestamp, then acceptance, then place in their event."""
    return sorted(pages, key=lambda page: (page.timestamp, page.accepted_at, page.index, page.id))


def fit_to_budget(hits: Sequence[Hit], *, budget_tokens: int, cost: Callable[[Page], int]) -> list[Page]:
    """Return the best pages whose costs together stay within the budget, oldest first.

    `hits` come best first. A page that does not fit is passed over, a smaller one after it may still fit. Pages of
    the same speaker and text are taken once.
    """
    chosen: list[Page] = []
    seen: set[tuple[str, str]] = set()
    left = budget_tokens
    for hit in hits:
        page = hit.page
        key = (page.name or page.role, page.text)
        if key in seen or (price := cost(page)) > left:
            continue
        seen.add(key)
        chosen.append(page)
        left -= price
    return chronological(chosen)
