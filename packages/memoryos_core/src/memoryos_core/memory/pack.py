"""Packing: which of the ranked pages go into a prompt, within a token budget."""

from collections.abc import Callable, Iterable, Sequence

from memoryos_core.memory.rank import Hit
from memoryos_ports.memory import Page


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
