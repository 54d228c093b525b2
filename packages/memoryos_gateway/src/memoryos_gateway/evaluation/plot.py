"""The plot of a benchmark run: recall by the number of turns asked for, a line per category; needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memoryos_gateway.evaluation.evaluate import Measured
from memoryos_gateway.evaluation.metrics import KS, OVERALL, summarise
from memoryos_ports.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (7.0, 4.5)


def require_matplotlib() -> None:
    """Raise ConfigurationError, saying what to install, when there is no matplotlib."""
    try:
        import matplotlib  # noqa: F401 - an extra: only a plot needs it
    except ImportError as exc:
        raise ConfigurationError(["--plot: needs matplotlib: pip install 'memoryos_gateway[eval]'"]) from exc


def save_plot(runs: Sequence[Measured], path: Path) -> None:
    """Write a picture with one panel per file; the ending of `path` says in what format.

    Raises InvalidInput when it cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_INCHES[0] * len(runs), _INCHES[1]), layout="constrained")
    panels = figure.subplots(1, len(runs), squeeze=False)[0]
    for axes, run in zip(panels, runs, strict=True):
        _draw(axes, run)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as exc:  # ValueError: a format that it does not know
        raise InvalidInput(f"--plot {path}: {exc}", param="plot") from exc


def _draw(axes: "Axes", run: Measured) -> None:
    for category, row in summarise(run.answers).items():
        of_all = category == OVERALL
        axes.plot(
            KS,
            [row[f"r@{k}"] for k in KS],
            marker="o",
            linewidth=2.5 if of_all else 1.0,
            color="black" if of_all else None,
            label=f"{category} ({row['count']:.0f})",
        )
    axes.set(title=run.name, xlabel="turns returned", ylabel="share of the evidence", ylim=(0, 1), xscale="log")
    axes.set_xticks(KS, [str(k) for k in KS], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
