"""Packing: which of the ranked memories go into a prompt, within a token budget."""

from collections.abc import Callable, Collection, Iterable, Sequence

from memoryos_core.memory.excerpt import Excerpt, excerpt, longest_excerpt
from memoryos_core.ranking.knowledge import KnowledgeHit
from memoryos_core.ranking.passage import PASSAGE_CHARS
from memoryos_core.ranking.ranker import Hit
from memoryos_core.tokens import CHARS_PER_TOKEN
from memoryos_ports.ids import MemoryId
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Memory, Page

MAX_FACTS = 8
"""The most facts that enter a prompt."""

FACTS_SHARE = 0.25
"""How much of the budget facts may take: the turns themselves say more than what was made of them."""

MIN_FACT_COSINE = 0.25
"""Facts that are less near to the question than this, and share no word with it, do not enter a prompt.

But those on how the agent should behave, which hold whatever is asked, and those whose slot is asked for.
"""


def pack(
    hits: Sequence[Hit],
    knowledge: Sequence[KnowledgeHit],
    *,
    budget_tokens: int,
    cost: Callable[[Memory], int],
) -> list[Memory]:
    """Return what goes into a prompt: facts, oldest first, then pages, oldest first, within the budget.

    `hits` and `knowledge` come best first. A fact is left out when a page that tells it is in. A page that tells what
    no longer holds comes with the fact that does, or not at all.
    """
    quoted = _outdated_of_best(hits, knowledge, budget_tokens=budget_tokens, cost=cost)
    share = int(budget_tokens * FACTS_SHARE)
    facts = fit_facts(knowledge, budget_tokens=share, cost=cost, outdated=quoted)
    left = budget_tokens - sum(map(cost, facts))
    held = {fact.text for fact in facts}
    misleading = _union(hit.outdated for hit in knowledge if hit.memory.text not in held)
    pages = fit_to_budget([hit for hit in hits if hit.page.id not in misleading], budget_tokens=left, cost=cost)
    told = {page.id for page in pages if not isinstance(page, Excerpt)}
    return [*(fact for fact in facts if told.isdisjoint(fact.sources)), *pages]


def fit_facts(
    knowledge: Sequence[KnowledgeHit],
    *,
    budget_tokens: int,
    cost: Callable[[Memory], int],
    outdated: Collection[MemoryId] = (),
) -> list[Fact]:
    """Return the best facts whose costs together stay within the budget, oldest first; each statement once.

    Those that correct one of the pages `outdated` come first.
    """
    chosen: dict[str, Fact] = {}
    left = budget_tokens
    for hit in sorted(knowledge, key=lambda hit: hit.outdated.isdisjoint(outdated)):
        fact = hit.memory
        if not isinstance(fact, Fact) or fact.text in chosen or cost(fact) > left:
            continue
        if not _is_apt(hit) and hit.outdated.isdisjoint(outdated):
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

    `hits` come best first. A page that does not fit is passed over, a smaller one after it may still fit. Of one too
    long for the budget, or longer than a passage and more than half of it, an `Excerpt` around the best chunk is taken.
    Pages of the same speaker and text are taken once.
    """
    chosen: list[Page] = []
    seen: set[tuple[str, str]] = set()
    left = budget_tokens
    for hit in hits:
        key = (hit.page.name or hit.page.role, hit.page.text)
        if key in seen or (page := _fitted(hit, budget_tokens, left, cost)) is None:
            continue
        seen.add(key)
        chosen.append(page)
        left -= cost(page)
    return chronological(chosen)


def _fitted(hit: Hit, budget: int, left: int, cost: Callable[[Page], int]) -> Page | None:
    """Return a page, or as much of it as may be quoted in what is left of the budget, None for nothing."""
    page, room = hit.page, left
    if len(page.text) > PASSAGE_CHARS:
        passage = excerpt(page, (hit.chunk.start, hit.chunk.end))
        room = min(left, max(budget // 2, cost(passage)))
    may_fit = len(page.text) <= room * CHARS_PER_TOKEN  # what is longer is not even rendered
    if may_fit and cost(page) <= room:
        return page
    if len(page.text) <= PASSAGE_CHARS and cost(page) <= budget:
        return None
    return longest_excerpt(page, hit.chunk, fits=lambda part: cost(part) <= room, most=room * CHARS_PER_TOKEN)


def _is_apt(hit: KnowledgeHit) -> bool:
    is_wish = isinstance(hit.memory, Fact) and hit.memory.subject == "agent"
    return is_wish or hit.slot or bool(hit.bm25) or hit.cosine >= MIN_FACT_COSINE


def _outdated_of_best(
    hits: Sequence[Hit],
    knowledge: Sequence[KnowledgeHit],
    *,
    budget_tokens: int,
    cost: Callable[[Memory], int],
) -> frozenset[MemoryId]:
    """Return the outdated pages that would be quoted if there were no facts."""
    outdated = _union(hit.outdated for hit in knowledge)
    if outdated.isdisjoint(hit.page.id for hit in hits):
        return frozenset()
    return outdated.intersection(page.id for page in fit_to_budget(hits, budget_tokens=budget_tokens, cost=cost))


def _union(several: Iterable[frozenset[MemoryId]]) -> frozenset[MemoryId]:
    return frozenset().union(*several)
