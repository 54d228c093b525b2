"""Crashes: what of the acknowledged turns is lost, or there twice, after kill -9 under load?"""

from pathlib import Path

from benchmarks.quality.figure import Figure
from tests.e2e.crash import Ledger, crash_round

ROUNDS = 3
WRITES = 400


async def probe_crashes(directory: Path, *, rounds: int = ROUNDS, writes: int = WRITES) -> list[Figure]:
    """Return what several kills of one data directory did."""
    ledger, lost, twice = Ledger(), 0, 0
    for seed in range(rounds):
        figures = await crash_round(directory / "crashes", ledger, seed=seed, more=writes)
        lost, twice = lost + len(figures.lost), twice + len(figures.twice)
    of = f"{ledger.acknowledged} acknowledged, {rounds} kills"
    return [
        Figure(probe="crash", case="acknowledged and lost", value=lost, of=of, most=0),
        Figure(probe="crash", case="there twice", value=twice, of=of, most=0),
    ]
