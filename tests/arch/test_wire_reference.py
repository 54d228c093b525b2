"""The wire reference names every line of the checklist, and for each line that it calls held a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/wire.md").read_text(encoding="utf-8")

LINES = {"R": 6, "N": 7, "E": 15, "T": 6, "S": 16, "M": 1, "B": 2, "AN": 22, "GE": 15, "OL": 11, "DS": 6, "OR": 6}
LINES |= {"AZ": 7, "OA": 8, "X": 5}
"""How many lines each section of the checklist has."""

NOT_HELD = {"OA7"}

ROWS = re.findall(r"^\| ([A-Z]+\d+) \| .+ \| (.+) \|$", REFERENCE, flags=re.MULTILINE)


def test_every_line_has_its_row() -> None:
    wanted = [f"{section}{number}" for section, count in LINES.items() for number in range(1, count + 1)]

    assert sorted(tag for tag, _ in ROWS) == sorted(wanted)


@pytest.mark.parametrize(("tag", "held_by"), ROWS, ids=[tag for tag, _ in ROWS])
def test_a_line_is_held_by_a_test_that_exists_or_says_why_not(tag: str, held_by: str) -> None:
    if tag in NOT_HELD:
        assert held_by.startswith("not held: ")
        return
    file, name = re.fullmatch(r"`([\w/.]+)` `(\w+)`", held_by).groups()  # type: ignore[union-attr]  # a row of the table
    assert re.search(rf"^\s*(async def|def|class) {name}\b", (ROOT / "tests" / file).read_text(), flags=re.MULTILINE)
