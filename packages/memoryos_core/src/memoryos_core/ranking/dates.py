"""How close a turn is to the times that a question names."""

import math
from collections.abc import Sequence
from datetime import datetime

from memoryos_core.ranking.question import Asked
from memoryos_core.ranking.turns import Column, Turns
from memoryos_core.times import Period

_FADE_S = 7 * 86_400.0
"""A turn said a week after the period counts 1/e of one said in it: people tell what was."""

_EARLY = 2.0
"""Days before the period count double: what is only planned is told of less."""


def closeness(asked: Asked, turns: Turns) -> Column:
    """Return 1 for turns said in a period that the question names, less the further away from all of them."""
    if not asked.periods:
        return [0.0] * len(turns.candidates)
    spans = [(period.start.timestamp(), period.end.timestamp()) for period in asked.periods]
    known: dict[datetime, float] = {}
    for candidate in turns.candidates:
        said = candidate.page.timestamp
        if said not in known:
            known[said] = _closeness(said.timestamp(), spans)
    return [known[candidate.page.timestamp] for candidate in turns.candidates]


def holds_any(periods: Sequence[Period], turns: Turns) -> bool:
    """Return whether any candidate was said in any of the periods."""
    moments = {candidate.page.timestamp for candidate in turns.candidates}
    return any(period.start <= moment < period.end for period in periods for moment in moments)


def _closeness(said: float, spans: Sequence[tuple[float, float]]) -> float:
    distance = min(max((start - said) * _EARLY, said - end, 0.0) for start, end in spans)
    return math.exp(-distance / _FADE_S)
