"""The workflows and the Makefile name only what exists: targets, packages, tools, Python versions."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.arch.sources import PACKAGES, ROOT, project_table

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


@pytest.mark.parametrize("file", [*WORKFLOWS, ROOT / ".ci/run"], ids=lambda file: file.name)
def test_every_make_target_that_is_called_exists(file: Path) -> None:
    called = set(re.findall(r"^\s*(?:- run: )?make ([a-z-]+)", file.read_text(), re.MULTILINE))
    assert called
    assert called <= TARGETS


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_only_read_unless_a_job_says_otherwise(file: Path) -> None:
    assert _load(file)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_version(file: Path) -> None:
    uses = re.findall(r"uses: (\S+)", file.read_text())
    assert uses
    assert [action for action in uses if not re.search(r"@(v\d+|release/v\d+|[0-9a-f]{40})$", action)] == []


def test_the_build_matrix_is_the_list_of_packages() -> None:
    matrix = _load(ROOT / ".github/workflows/build.yml")["jobs"]["wheel"]["strategy"]["matrix"]
    assert matrix == {"package": list(PACKAGES)}


def test_the_oldest_python_tested_is_the_oldest_python_promised() -> None:
    tested = _load(ROOT / ".github/workflows/test.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert {project_table(package)["requires-python"] for package in PACKAGES} == {f">={tested[0]}"}


def test_every_package_has_folders_of_tests() -> None:
    assert sorted(re.findall(r"^TESTS_(\w+) :=", MAKEFILE, re.MULTILINE)) == list(PACKAGES)


def test_every_tool_that_the_makefile_runs_exists() -> None:
    tools = re.findall(r"-m tools\.(\w+)", MAKEFILE)
    assert tools
    assert [tool for tool in tools if not (ROOT / "tools" / f"{tool}.py").is_file()] == []


def _load(file: Path) -> dict[Any, Any]:
    return msgspec.yaml.decode(file.read_bytes(), type=dict[Any, Any])  # the key `on` is a YAML boolean
