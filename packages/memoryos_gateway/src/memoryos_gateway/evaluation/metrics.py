"""Figures of a retrieval: recall, NDCG and MRR of the turns that came back against those that were needed.

=============  =======================================================================================
``r@k``        share of the needed turns among the first k
``all@k``      1 when all of them are among the first k
``any@k``      1 when one of them is
``ndcg@10``    discounted gain of the first ten over that of the best order (Järvelin & Kekäläinen 2002)
``mrr``        1 / place of the first needed turn
``r@Btok``     share of the needed turns that end within the first B tokens of what came back
``tok@k``      tokens of the first k turns
=============  =======================================================================================
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import fmean

import msgspec

KS = (1, 5, 10, 20, 50)
BUDGETS = (250, 500, 1000, 2000, 4000)

NOT_IN_OVERALL = frozenset({"adversarial", "abstention"})
"""Questions that have no answer: reported, but no part of `overall`."""

OVERALL = "overall"

_GAINED = 10  # how many turns NDCG looks at
_TOKEN = re.compile(r"\w+|[^\w\s]")


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A question with its figures. `turns` are the first ten that came back; `foreign` counts those of other users."""

    id: str
    category: str
    figures: Mapping[str, float]
    foreign: int
    ms: float
    turns: tuple[str, ...]


def score(found: Sequence[str], needed: Sequence[str], tokens: Mapping[str, int]) -> dict[str, float]:
    """Return the figures of distinct turns, best first, against the needed ones (at least one).

    `tokens` says how long a turn is; one that is not there counts nothing.
    """
    wanted = set(needed)
    hits = [turn in wanted for turn in found]
    lengths = [tokens.get(turn, 0) for turn in found]
    ends = list(accumulate(lengths))
    figures: dict[str, float] = {}
    for k in KS:
        count = sum(hits[:k])
        figures[f"r@{k}"] = count / len(wanted)
        figures[f"all@{k}"] = float(count == len(wanted))
        figures[f"any@{k}"] = float(count > 0)
        figures[f"tok@{k}"] = sum(lengths[:k])
    for budget in BUDGETS:
        within = sum(hit for hit, end in zip(hits, ends, strict=True) if end <= budget)
        figures[f"r@{budget}tok"] = within / len(wanted)
    best = _gain([True] * min(_GAINED, len(wanted)))
    return figures | {"ndcg@10": _gain(hits[:_GAINED]) / best, "mrr": _reciprocal_rank(hits)}


def summarise(answers: Sequence[Answered]) -> dict[str, dict[str, float]]:
    """Return the mean figures of each category, and of `OVERALL`, with `foreign` (mean) and `count` beside them."""
    groups: dict[str, list[Answered]] = defaultdict(list)
    for answer in answers:
        if answer.category not in NOT_IN_OVERALL:
            groups[OVERALL].append(answer)
    for answer in answers:
        groups[answer.category].append(answer)
    return {name: _means(group) for name, group in groups.items()}


def count_tokens(text: str) -> int:
    """Return how many words and signs a text has: about 0.9 of what a BPE tokenizer makes of English."""
    return len(_TOKEN.findall(text))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0..1) of the values lie, interpolated linearly; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _means(answers: Sequence[Answered]) -> dict[str, float]:
    means = {name: fmean(answer.figures[name] for answer in answers) for name in answers[0].figures}
    return means | {"foreign": fmean(answer.foreign for answer in answers), "count": len(answers)}


def _gain(hits: Sequence[bool]) -> float:
    return sum(1 / math.log2(place + 2) for place, hit in enumerate(hits) if hit)


def _reciprocal_rank(hits: Sequence[bool]) -> float:
    return next((1 / (place + 1) for place, hit in enumerate(hits) if hit), 0.0)
