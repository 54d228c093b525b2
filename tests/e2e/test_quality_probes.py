"""The probes of benchmarks/quality in small: no stale facts, no duplicates, nothing left, nothing unquoted."""

from pathlib import Path

from benchmarks.quality.erasure import probe_erasure
from benchmarks.quality.figure import Figure, as_markdown
from benchmarks.quality.injection import ATTACKS, probe_injection
from benchmarks.quality.lag import probe_lag
from benchmarks.quality.leaks import probe_leaks
from benchmarks.quality.replay import probe_replay
from benchmarks.quality.stale import probe_stale, read_cases


def _missed(figures: list[Figure]) -> str:
    """Return the table of the figures whose goal is missed, "" when there are none; there must be some with a goal."""
    assert any(figure.most is not None for figure in figures)
    missed = [figure for figure in figures if not figure.is_good]
    return as_markdown(missed) if missed else ""


async def test_an_old_value_of_a_slot_is_never_told_as_true(tmp_path: Path) -> None:
    in_both_languages = [case for case in read_cases() if case.name.startswith("home")]

    figures = await probe_stale(tmp_path, cases=in_both_languages, updates=(1, 4))

    assert _missed(figures) == ""
    assert figures[0].of == "6 facts told"


async def test_what_comes_again_is_not_remembered_again(tmp_path: Path) -> None:
    assert _missed(await probe_replay(tmp_path, replays=2, exchanges=3)) == ""


async def test_no_route_tells_anything_of_another_scope(tmp_path: Path) -> None:
    assert _missed(await probe_leaks(tmp_path)) == ""


async def test_nothing_is_told_of_an_erased_user_even_after_a_restart(tmp_path: Path) -> None:
    figures = await probe_erasure(tmp_path, turns=20)

    assert _missed(figures) == ""
    assert figures[-1].case == "files that hold its bytes"


async def test_an_instruction_in_memory_reaches_a_prompt_only_quoted(tmp_path: Path) -> None:
    figures = await probe_injection(tmp_path)

    assert _missed(figures) == ""
    assert [figure.case for figure in figures] == ["said in a chat", "added", "added under a name"]
    assert figures[0].of == f"{len(ATTACKS)} of {len(ATTACKS)} attacks reached a prompt"


async def test_lag_is_told_in_milliseconds(tmp_path: Path) -> None:
    figures = await probe_lag(tmp_path, adds=5)

    assert [(figure.unit, figure.value > 0) for figure in figures] == [("ms", True)] * 4


def test_the_table_marks_what_missed_its_goal() -> None:
    good = Figure(probe="leaks", case="one", value=0, of="30 routes", most=0)
    bad = Figure(probe="leaks", case="two", value=2, of="30 routes", most=0)
    free = Figure(probe="lag", case="p50", value=12.3456, unit="ms")

    assert as_markdown([good, bad, free]).splitlines()[2:] == [
        "| leaks | one | 0 | 30 routes | 0 | ok |",
        "| leaks | two | 2 | 30 routes | 0 | **missed** |",
        "| lag | p50 | 12.35 ms |  |  |  |",
    ]
