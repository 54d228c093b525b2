"""Prints the coverage of each package beside its floor; fails when a package is below it."""

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
from coverage import Coverage

FLOOR_FILE = Path(__file__).with_name("coverage_floor.toml")


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What coverage counts for a file."""

    num_statements: int
    covered_lines: int
    num_branches: int
    covered_branches: int


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of coverage's JSON report."""

    summary: Counts


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage's JSON report: files by path."""

    files: dict[str, File]


class Row(NamedTuple):
    """A line of the table; percentages are of statements, of branches and of both together."""

    package: str
    lines: float
    branches: float
    total: float
    floor: float

    @property
    def is_low(self) -> bool:
        """Whether the package is below its floor."""
        return self.total < self.floor


def table(report: Report, floors: Mapping[str, float]) -> list[Row]:
    """Return a row per package of `floors`; what holds nothing to measure has 0 percent."""
    rows = []
    for package, floor in floors.items():
        counts = [file.summary for path, file in report.files.items() if f"/{package}/" in f"/{path}"]
        statements, branches = sum(c.num_statements for c in counts), sum(c.num_branches for c in counts)
        lines_met, branches_met = sum(c.covered_lines for c in counts), sum(c.covered_branches for c in counts)
        rows.append(
            Row(
                package=package,
                lines=_percent(lines_met, statements),
                branches=_percent(branches_met, branches),
                total=_percent(lines_met + branches_met, statements + branches),
                floor=floor,
            )
        )
    return rows


def main() -> int:
    """Read the combined data of the last run, print the table; return the exit code."""
    floors = tomllib.loads(FLOOR_FILE.read_text())
    rows = table(_read_report(), floors)
    print(f"{'package':<20}{'lines':>8}{'branches':>10}{'total':>8}{'floor':>8}")
    for row in rows:
        mark = "  below its floor" if row.is_low else ""
        print(f"{row.package:<20}{row.lines:>8.1f}{row.branches:>10.1f}{row.total:>8.1f}{row.floor:>8.1f}{mark}")
    return 1 if any(row.is_low for row in rows) else 0


def _read_report() -> Report:
    coverage = Coverage()
    coverage.load()
    with TemporaryDirectory() as folder:
        file = Path(folder, "coverage.json")
        coverage.json_report(outfile=str(file))
        return msgspec.json.decode(file.read_bytes(), type=Report)


def _percent(met: int, of: int) -> float:
    return 100 * met / of if of else 0.0


if __name__ == "__main__":
    sys.exit(main())
