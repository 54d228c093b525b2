"""One measured figure of a probe, and tables of them."""

from collections.abc import Iterable, Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe measured in one case. `most` is the goal: no more than that; None: there is none.

    `of` says out of how many, or on what, where a bare number would say too little.
    """

    probe: str
    case: str
    value: float
    of: str = ""
    unit: str = ""
    most: float | None = None

    @property
    def is_good(self) -> bool:
        """Whether the goal is reached."""
        return self.most is None or self.value <= self.most


def as_markdown(figures: Iterable[Figure]) -> str:
    """Return the table of figures."""
    rows = ["| probe | case | figure | out of | goal | |", "|---|---|---:|---|---:|---|"]
    for it in figures:
        goal = "" if it.most is None else f"≤ {it.most:g}{_unit(it)}" if it.most else "0"
        mark = "" if it.most is None else "ok" if it.is_good else "**missed**"
        rows.append(f"| {it.probe} | {it.case} | {it.value:.4g}{_unit(it)} | {it.of} | {goal} | {mark} |")
    return "\n".join(rows)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value at that share (0..1) of the sorted values, the nearest one; there must be one."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _unit(figure: Figure) -> str:
    return f" {figure.unit}" if figure.unit else ""
