"""What was acknowledged survives a kill of the process: nothing is lost, nothing is there twice."""

from pathlib import Path

import pytest

from tests.e2e.crash import Ledger, crash_round


async def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill(tmp_path: Path) -> None:
    figures = await crash_round(tmp_path / "data", Ledger(), seed=1, more=100)

    assert (figures.lost, figures.twice) == ((), ())
    assert figures.acknowledged >= 50


@pytest.mark.soak
async def test_ten_kills_of_one_data_directory_lose_and_double_nothing(tmp_path: Path) -> None:
    ledger = Ledger()

    for seed in range(10):
        figures = await crash_round(tmp_path / "data", ledger, seed=seed, more=400)

        assert (figures.lost, figures.twice) == ((), ()), f"in round {seed}"
