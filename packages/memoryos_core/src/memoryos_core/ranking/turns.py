"""The candidates of one question side by side: who follows whom, what is said around them, in which episode."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from memoryos_core.ranking.wording import fullness
from memoryos_ports.ids import MemoryId, SessionId
from memoryos_ports.memory import Candidate

Column = list[float]
"""One number per candidate, in the order of the candidates."""

Words = Mapping[int, float]

_LEAST_SPREAD = 0.25
"""Cosines that differ by less than this are not spread over the whole scale: a hair is no difference."""


class Turns(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates by columns.

    `near` is the cosine between the lowest seen (0, also where none is known) and the best (1), because embedders use
    different parts of the scale; where all are nearly as like, the best is less than 1. `words` is the BM25 score
    divided by the best; `fullness` is how much a turn says, 0..1. `before` and `after` are the places of
    the neighbours in the same session, None where they are no candidates. An `episode` is what was said on one day in
    one session, so that a session without end does not become one.
    """

    candidates: Sequence[Candidate]
    near: Column
    words: Column
    fullness: Column
    before: list[int | None]
    after: list[int | None]
    episodes: list[list[int]]

    def told_before(self, column: Column) -> Column:
        """Return what the column holds for the turn before, 0 where that is no candidate."""
        return [0.0 if place is None else column[place] for place in self.before]

    def told_after(self, column: Column) -> Column:
        """Return what the column holds for the turn after, 0 where that is no candidate."""
        return [0.0 if place is None else column[place] for place in self.after]


def lay_out(candidates: Sequence[Candidate]) -> Turns:
    """Return the columns of candidates."""
    before = _before(candidates)
    return Turns(
        candidates=candidates,
        near=_within_range([candidate.cosine for candidate in candidates]),
        words=of_best([sum(candidate.words.values()) for candidate in candidates]),
        fullness=[fullness(candidate.page.text) for candidate in candidates],
        before=before,
        after=_after(before),
        episodes=_episodes(candidates),
    )


def of_best(column: Column) -> Column:
    """Return the column divided by its greatest value; all 0 when that is not above 0."""
    best = max(column, default=0.0)
    return [value / best for value in column] if best > 0 else [0.0] * len(column)


def union_score(several: Iterable[Words]) -> float:
    """Return the BM25 score of turns taken as one: each word counts as in the turn where it weighs most."""
    union: dict[int, float] = {}
    for words in several:
        for word, weight in words.items():
            if weight > union.get(word, 0.0):
                union[word] = weight
    return sum(union.values())


def _within_range(cosines: Sequence[float | None]) -> Column:
    known = [cosine for cosine in cosines if cosine is not None]
    lowest = min(known, default=0.0)
    spread = max(max(known, default=0.0) - lowest, _LEAST_SPREAD)
    return [0.0 if cosine is None else (cosine - lowest) / spread for cosine in cosines]


def _before(candidates: Sequence[Candidate]) -> list[int | None]:
    places: dict[MemoryId | None, int] = {candidate.page.id: at for at, candidate in enumerate(candidates)}
    return [places.get(candidate.page.follows) for candidate in candidates]


def _after(before: Sequence[int | None]) -> list[int | None]:
    after: list[int | None] = [None] * len(before)
    for at, place in enumerate(before):
        if place is not None:
            after[place] = at
    return after


def _episodes(candidates: Sequence[Candidate]) -> list[list[int]]:
    episodes: dict[tuple[SessionId | None, date], list[int]] = {}
    for at, candidate in enumerate(candidates):
        page = candidate.page
        episodes.setdefault((page.session_id, page.timestamp.date()), []).append(at)
    return list(episodes.values())
