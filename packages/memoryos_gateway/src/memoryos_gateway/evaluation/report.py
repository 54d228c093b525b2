"""What a benchmark run prints: a table per file, or JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from memoryos_gateway.evaluation.evaluate import Measured
from memoryos_gateway.evaluation.metrics import NOT_IN_OVERALL, percentile, summarise

_COLUMNS = (
    "r@1", "r@5", "r@10", "r@20", "r@50", "all@10", "all@20", "ndcg@10", "mrr", "r@500tok", "r@1000tok", "foreign",
)  # fmt: skip
_WIDTH = 10


def as_table(measured: Measured) -> str:
    """Return a line per category, `overall` first, and what it took; means over questions, 0..1, higher is better."""
    summary = summarise(measured.answers)
    left = max(len(_label(name, row)) for name, row in summary.items()) + 2
    head = " " * left + "".join(f"{column:>{_WIDTH}}" for column in _COLUMNS)
    lines = [f"{_label(name, row):<{left}}{_figures(row)}" for name, row in summary.items()]
    took = speed(measured)
    last = (
        f"{measured.turns} turns at {took['turns_per_s']:.0f} a second; a question takes {took['p50_ms']:.1f} ms"
        f" (p95 {took['p95_ms']:.1f}); overall leaves out {' and '.join(sorted(NOT_IN_OVERALL))}"
    )
    return "\n".join([measured.name, head, *lines, last])


def as_json(runs: Sequence[Measured]) -> str:
    """Return the figures of every file by its name: `summary`, `speed`, and every question under `answers`."""
    return msgspec.json.encode({run.name: _document(run) for run in runs}).decode()


def speed(measured: Measured) -> dict[str, float]:
    """Return how fast turns were taken in, and the median and 95th percentile of a question in milliseconds."""
    ms = [answer.ms for answer in measured.answers]
    per_s = measured.turns / measured.add_s if measured.add_s else 0.0
    return {"turns_per_s": per_s, "p50_ms": percentile(ms, 0.5), "p95_ms": percentile(ms, 0.95)}


def _document(run: Measured) -> dict[str, Any]:
    return {"summary": summarise(run.answers), "speed": speed(run), "answers": run.answers}


def _label(category: str, row: Mapping[str, float]) -> str:
    return f"{category} ({row['count']:.0f})"


def _figures(row: Mapping[str, float]) -> str:
    return "".join(f"{row[column]:>{_WIDTH}.3f}" for column in _COLUMNS)
