"""Memory as a caller would put it into a prompt: by tier, and as one block within a token budget."""

from collections.abc import Sequence

import msgspec

from memoryos_core.consolidation.profile import Profile, ProfileService
from memoryos_core.consolidation.visits import Visits
from memoryos_core.memory.block import frame_tokens, line_tokens, render_block
from memoryos_core.memory.pack import pack
from memoryos_core.memory.recall import Question, Recall, Recalled
from memoryos_core.ranking.knowledge import KnowledgeHit, best_of_kinds
from memoryos_core.ranking.ranker import Hit
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.memory import Page, only_pages
from memoryos_ports.short_term import ShortTermStore

SHORT_TERM_TURNS = 20


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """`short_term` is newest last, `hits` and `knowledge` best first; `text` is the block, of about `tokens` tokens.

    `degraded` says that a part of memory did not answer.
    """

    short_term: list[Page]
    hits: list[Hit]
    knowledge: list[KnowledgeHit]
    profile: Profile
    profile_version: int
    text: str
    tokens: int
    degraded: bool = False


class ContextService:
    """Gathers what memory has to say to a question."""

    def __init__(
        self,
        *,
        recall: Recall,
        short_term: ShortTermStore,
        profile: ProfileService,
        budget_tokens: int,
        visits: Visits | None = None,
    ) -> None:
        self._recall = recall
        self._short_term = short_term
        self._profile = profile
        self._visits = visits
        self._budget_tokens = budget_tokens

    async def gather(self, question: Question, *, limit: int, budget_tokens: int | None = None) -> Context:
        """Return the context for a question: the best `limit` hits, packed into the budget.

        Short-term memory is the session's newest turns, or, without a session, what is not indexed yet.
        """
        recalled = await self._recall.search(question)
        hits, knowledge = recalled.hits[:limit], best_of_kinds(recalled.knowledge, limit)
        budget = budget_tokens if budget_tokens is not None else self._budget_tokens
        chosen = pack(
            hits, _with_corrections(knowledge, recalled, hits), budget_tokens=budget - frame_tokens(), cost=line_tokens
        )
        if self._visits is not None:
            self._visits.note(question.scope, [page.id for page in only_pages(chosen)])
        profile, version = await self._profile.read(question.scope)
        text = render_block(chosen)
        return Context(
            short_term=await self._recent(question),
            hits=hits,
            knowledge=knowledge,
            profile=profile,
            profile_version=version,
            text=text,
            tokens=estimate_tokens(text),
            degraded=recalled.degraded,
        )

    async def _recent(self, question: Question) -> list[Page]:
        if question.session_id is None:
            pages = await self._short_term.unindexed(question.scope, limit=SHORT_TERM_TURNS)
        else:
            pages = await self._short_term.recent(question.scope, question.session_id, limit=SHORT_TERM_TURNS)
        return [page for page in pages if question.admits(page)]


def _with_corrections(knowledge: list[KnowledgeHit], recalled: Recalled, hits: Sequence[Hit]) -> list[KnowledgeHit]:
    """Return the best knowledge, and of the rest what corrects one of the pages."""
    pages = {hit.page.id for hit in hits}
    best = {hit.memory.id for hit in knowledge}
    rest = (hit for hit in recalled.knowledge if hit.memory.id not in best)
    return [*knowledge, *(hit for hit in rest if not pages.isdisjoint(hit.outdated))]
