"""What pages state: asked of a language model where there is one that may see them, else found by rules."""

from collections import Counter
from collections.abc import Sequence

import msgspec
from loguru import logger

from memoryos_core.consolidation.segments import MAX_PAGES
from memoryos_core.extraction.extract import extract_all
from memoryos_core.extraction.llm import LlmExtractor, batches
from memoryos_core.extraction.statement import Statement
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import Page

MIN_PAGES = 4
"""Fewer pages are not worth a call, unless their segment is full: this keeps the calls below .3 per turn."""

MAX_REFUSALS = 3
"""After so many answers that were none, rules read the pages."""


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt from `pages`; without a `summary` nobody wrote one."""

    pages: tuple[Page, ...]
    statements: tuple[Statement, ...]
    summary: str = ""


class Learner:
    """Reads pages. `calls` counts what was asked of the model, `local` says that it is on the operator's machines.

    A model elsewhere is never shown what is marked as sensitive, nor what the rules of today find in an older page.
    """

    def __init__(
        self, llm: LlmExtractor | None = None, *, local: bool = False, rules: SensitiveRules | None = None
    ) -> None:
        self._llm = llm
        self._local = local
        self._rules = rules or SensitiveRules()
        self._refusals: Counter[str] = Counter()
        self.calls = 0

    def wants(self, segment: Segment) -> bool:
        """Return whether a segment's pending pages are worth reading now."""
        if not segment.pending or segment.evicted:
            return False
        is_worth_it = len(segment.pending) >= MIN_PAGES or len(segment.pages) >= MAX_PAGES
        return is_worth_it or self._model_for(segment) is None

    async def learn(self, segment: Segment, pages: Sequence[Page]) -> Learnt | None:
        """Return what the first of the pages, as many as one call takes, state; None: to be tried again later.

        Raises UpstreamError when the model cannot be reached.
        """
        portion = next(batches(pages))
        model = self._model_for(segment)
        if model is None or not (self._local or self._may_leave(portion)):
            return _by_rules(portion)
        outcome = await model.extract(portion)
        self.calls += outcome.calls
        if outcome.extraction is not None:
            self._refusals.pop(segment.id, None)
            found = outcome.extraction
            return Learnt(pages=tuple(portion), statements=found.statements, summary=found.summary)
        logger.bind(reason=outcome.reason).info("no extraction by the model")
        return None if outcome.calls == 1 and self._may_ask_again(segment) else _by_rules(portion)

    def _model_for(self, segment: Segment) -> LlmExtractor | None:
        return self._llm if self._local or not segment.sensitive else None

    def _may_leave(self, pages: Sequence[Page]) -> bool:
        texts = [text for page in pages for text in (page.text, page.name or "")]
        return not any(page.sensitive for page in pages) and not self._rules.match_texts(texts)

    def _may_ask_again(self, segment: Segment) -> bool:
        self._refusals[segment.id] += 1
        if self._refusals[segment.id] < MAX_REFUSALS:
            return True
        del self._refusals[segment.id]
        return False


def _by_rules(pages: Sequence[Page]) -> Learnt:
    return Learnt(pages=tuple(pages), statements=tuple(extract_all(pages)))
