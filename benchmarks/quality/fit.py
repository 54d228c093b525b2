"""Fit the weights of the ranker on benchmark files and print what they reach on conversations left out of the fit.

    python -m benchmarks.quality.fit locomo_open.json beam100k_open.json --cache DIRECTORY [--ablate]

The loss is the conditional logit of each evidence turn against the turns that are none; it is convex, so Newton's
method finds its one minimum. Every fifth conversation of each file is left out in turn.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.conversations import Conversation, VectorCache, load_conversations
from memoryos_core.ranking.ranker import feature_columns
from memoryos_ports.memory import Page

ASKED_AT = datetime(2026, 1, 1, tzinfo=UTC)
FOLDS = 5
RIDGE = 1e-3
NOT_FITTED = frozenset({"adversarial", "abstention"})
FILE_WEIGHTS = (1.0, 1.5)
"""How much a question of the first file (LoCoMo) and of others (BEAM, a quarter of the questions) counts."""

Floats = NDArray[np.float64]


class Example(NamedTuple):
    """One question: the features of its candidates (candidates x features), which are evidence, how many there are."""

    file: int
    fold: int
    category: str
    weight: float
    values: Floats
    is_gold: NDArray[np.bool_]
    evidence: int
    tokens: NDArray[np.int64]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="where vectors are kept between runs")
    parser.add_argument("--ablate", action="store_true", help="leave out each feature in turn as well")
    options = parser.parse_args()
    names, examples = _examples(load_conversations(options.files, VectorCache(options.cache)))
    _report("all features", _validate(examples))
    for column, name in enumerate(names if options.ablate else ()):
        _report(f"without {name}", _validate([_without(example, column) for example in examples]))
    for name, weight in zip(names, fit(examples), strict=True):
        _write(f'    "{name}": {weight:.2f},')


def fit(examples: Sequence[Example]) -> Floats:
    """Return the weights of least loss, by damped Newton steps on columns of unit variance."""
    scale = np.vstack([example.values for example in examples]).std(0) + 1e-9
    weights = np.zeros(len(scale))
    loss, gradient, curvature = _loss(examples, weights / scale, scale)
    for _ in range(25):
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (tried := _loss(examples, (weights - size * step) / scale, scale))[0] > loss and size > 1e-3:
            size /= 2
        weights, gained = weights - size * step, loss - tried[0]
        loss, gradient, curvature = tried
        if gained < 1e-7:
            break
    fitted: Floats = weights / scale
    return fitted


def _loss(examples: Sequence[Example], weights: Floats, scale: Floats) -> tuple[float, Floats, Floats]:
    """Return the mean loss, its gradient and its curvature in the scaled weights."""
    scaled = weights * scale
    loss, gradient = RIDGE * scaled @ scaled, 2 * RIDGE * scaled
    curvature = 2 * RIDGE * np.eye(len(scale))
    total = sum(example.weight for example in examples if example.is_gold.any())
    for example in examples:
        values = example.values / scale
        sums = values @ scaled
        for gold in np.flatnonzero(example.is_gold):
            share = example.weight / total / example.is_gold.sum()
            rivals = np.append(values[~example.is_gold], values[[gold]], axis=0)
            exponents = np.append(sums[~example.is_gold], sums[gold])
            odds = np.exp(exponents - exponents.max())
            chances = odds / odds.sum()
            mean = chances @ rivals
            loss -= share * np.log(max(chances[-1], 1e-300))
            gradient += share * (mean - values[gold])
            curvature += share * ((rivals * chances[:, None]).T @ rivals - np.outer(mean, mean))
    return float(loss), gradient, curvature


def _examples(files: Sequence[Sequence[Conversation]]) -> tuple[list[str], list[Example]]:
    names: list[str] = []
    examples: list[Example] = []
    for file, conversations in enumerate(files):
        for place, conversation in enumerate(conversations):
            for asked in conversation.questions:
                if asked["category"] in NOT_FITTED:
                    continue
                candidates = conversation.candidates(asked["question"])
                columns = feature_columns(asked["question"], candidates, asked_at=ASKED_AT)
                del columns["verbatim"]  # no question of a benchmark quotes a turn
                names = list(columns)
                pages = [candidate.page for candidate in candidates]
                examples.append(
                    Example(
                        file=file,
                        fold=place % FOLDS,
                        category=asked["category"],
                        weight=FILE_WEIGHTS[min(file, 1)],
                        values=np.array([*columns.values()]).T,
                        is_gold=np.array([page.id in asked["evidence"] for page in pages]),
                        evidence=len(set(asked["evidence"])),
                        tokens=np.array([_tokens(page) for page in pages]),
                    )
                )
    return names, examples


def _validate(examples: Sequence[Example]) -> dict[str, Floats]:
    """Return the mean of (recall@10, recall within 1,000 tokens) by category, each question ranked by weights of
    other conversations.
    """
    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for fold in range(FOLDS):
        weights = fit([example for example in examples if example.fold != fold])
        for example in examples:
            if example.fold == fold:
                recalls = _recalls(example, weights)
                rows[f"file {example.file + 1}"].append(recalls)
                rows[f"file {example.file + 1} {example.category}"].append(recalls)
    return {name: np.mean(recalls, axis=0) for name, recalls in sorted(rows.items())}


def _recalls(example: Example, weights: Floats) -> tuple[float, float]:
    order = np.argsort(-(example.values @ weights), kind="stable")[:50]
    hits, within = example.is_gold[order], np.cumsum(example.tokens[order]) <= 1000
    return float(hits[:10].sum() / example.evidence), float((hits & within).sum() / example.evidence)


def _without(example: Example, column: int) -> Example:
    values = example.values.copy()
    values[:, column] = 0
    return example._replace(values=values)


def _tokens(page: Page) -> int:
    return len(re.findall(r"\w+|[^\w\s]", page.text))


def _report(title: str, means: dict[str, Floats], write: Callable[[str], object] = sys.stdout.write) -> None:
    write(f"{title}\n")
    for name, (at_10, within) in means.items():
        write(f"  {name:36} r@10 {at_10:.3f}  r@1000tok {within:.3f}\n")


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
