"""The checks of tools/ find what they are there to find."""

from pathlib import Path

import pytest

from tools.check_links import broken_links, slugify
from tools.check_paths import offending_lines
from tools.check_tag import WrongTag, package_of
from tools.coverage_table import Counts, File, Report, table


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Where do structs live?", "where-do-structs-live"),
        ("`make check` and *friends*", "make-check-and-friends"),
        ("POST /v1/memory/add", "post-v1memoryadd"),
        ("See [the index](README.md)", "see-the-index"),
        ("snake_case stays", "snake_case-stays"),
    ],
)
def test_headings_become_the_anchors_that_github_makes(heading: str, anchor: str) -> None:
    assert slugify(heading) == anchor


def test_links_that_lead_somewhere_are_not_reported(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One\n\n# One\n")
    document = tmp_path / "this.md"
    document.write_text(
        "# Here\n[a](other.md#one-1) [b](#here) [c](https://example.com/x#y) ![d](other.md 'title')\n"
        "```\n[e](absent.md)\n```\n`[f](absent.md)`\n[g]: other.md\n"
    )
    assert list(broken_links(document)) == []


@pytest.mark.parametrize("link", ["[a](absent.md)", "[a](#absent)", "[a](this.md#absent)", "[a]: absent.md"])
def test_links_that_lead_nowhere_are_reported(tmp_path: Path, link: str) -> None:
    document = tmp_path / "this.md"
    document.write_text(f"# Here\n\n{link}\n")
    assert len(list(broken_links(document))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "url = https://" + "py" + "pi.org/simple",
        "see https://registry." + "npm" + "js.org/x",
        "path = '/" + "home/jane/x'",
        "cd /" + "Users/jane",
        "cat /" + "root/.netrc",
    ],
)
def test_registry_hosts_and_home_directories_are_found(line: str) -> None:
    assert [number for number, _ in offending_lines(f"fine\n{line}\n")] == [2]


@pytest.mark.parametrize("line", ["https://example.com/home/jane", "~/home/x", "./home/x", "GET /home", "/var/lib/x"])
def test_other_paths_are_not_found(line: str) -> None:
    assert list(offending_lines(line)) == []


def test_a_package_below_its_floor_is_low_and_an_unmeasured_one_has_zero() -> None:
    half = Counts(num_statements=10, covered_lines=5, num_branches=10, covered_branches=5)
    report = Report(files={"packages/memoryos_core/src/memoryos_core/x.py": File(summary=half)})

    rows = table(report, {"memoryos_core": 50.0, "memoryos_ports": 1.0})

    assert [(row.package, row.total, row.is_low) for row in rows] == [
        ("memoryos_core", 50.0, False),
        ("memoryos_ports", 0.0, True),
    ]


def test_a_tag_that_fits_names_its_package(tmp_path: Path) -> None:
    _make_package(tmp_path, version="1.2.3", changelog="## 1.2.3 (2027-01-31)\n")
    assert package_of("memoryos_core-v1.2.3", tmp_path) == "memoryos_core"


@pytest.mark.parametrize("tag", ["v1.2.3", "memoryos_core-1.2.3", "memoryos_none-v1.2.3", "memoryos_core-v1.2.4"])
def test_a_tag_that_does_not_fit_is_refused(tmp_path: Path, tag: str) -> None:
    _make_package(tmp_path, version="1.2.3", changelog="## 1.2.3 (2027-01-31)\n")
    with pytest.raises(WrongTag):
        package_of(tag, tmp_path)


def test_a_version_whose_changes_are_not_dated_is_not_released(tmp_path: Path) -> None:
    _make_package(tmp_path, version="1.2.3", changelog="## 1.2.3 (unreleased)\n")
    with pytest.raises(WrongTag, match="CHANGELOG"):
        package_of("memoryos_core-v1.2.3", tmp_path)


def _make_package(root: Path, *, version: str, changelog: str) -> None:
    folder = root / "packages" / "memoryos_core"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "memoryos_core"\nversion = "{version}"\n')
    (folder / "CHANGELOG.md").write_text(f"# Changelog of memoryos_core\n\n{changelog}")
