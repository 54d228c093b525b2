"""The import contracts of pyproject.toml hold, and each of them is seen red on a copy with one offending import."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.arch.sources import PACKAGES, ROOT, source_dir

_TABLES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
CONTRACTS = {table["id"]: table["name"] for table in _TABLES}


class Offence(NamedTuple):
    """An import that must not be: the contract it breaks, the package (dotted) it stands in, what it imports."""

    contract: str
    where: str
    imported: str


OFFENCES = [
    Offence("ports", "memoryos_ports", "memoryos_core"),
    Offence("ports", "memoryos_ports", "memoryos_adapters.settings"),
    Offence("ports", "memoryos_ports", "aiohttp"),
    Offence("core", "memoryos_core", "memoryos_adapters.settings"),
    Offence("core", "memoryos_core", "memoryos_gateway"),
    Offence("core", "memoryos_core", "redis"),
    Offence("core", "memoryos_core", "dependency_injector"),
    Offence("adapters", "memoryos_adapters", "memoryos_core"),
    Offence("adapters", "memoryos_adapters.llm", "memoryos_gateway"),
    Offence("families", "memoryos_adapters.llm", "memoryos_adapters.embedding"),
    Offence("families", "memoryos_adapters.events", "memoryos_adapters.short_term"),
    Offence("registry", "memoryos_adapters", "memoryos_adapters.embedding"),
    Offence("registry", "memoryos_gateway", "memoryos_adapters.storage"),
    Offence("registry", "memoryos_worker", "memoryos_adapters.events"),
    Offence("llm-kinds", "memoryos_adapters", "memoryos_adapters.llm.noop"),
    Offence("llm-kinds", "memoryos_adapters.configuration", "memoryos_adapters.llm.openai.adapter"),
    Offence("llm-kinds", "memoryos_gateway", "memoryos_adapters.llm"),
    Offence("gateway", "memoryos_gateway", "memoryos_worker"),
    Offence("worker", "memoryos_worker", "memoryos_gateway"),
    Offence("worker", "memoryos_worker", "litestar"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages' sources and the contracts, in a folder where they may be spoilt."""
    folder = tmp_path_factory.mktemp("contracts")
    for package in PACKAGES:
        shutil.copytree(source_dir(package), folder, ignore=_all_but_python, dirs_exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_every_contract_holds(copy: Path) -> None:
    assert _broken_contracts(copy) == set()


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda offence: f"{offence.where}-{offence.imported}")
def test_an_offending_import_breaks_exactly_its_contract(copy: Path, offence: Offence) -> None:
    culprit = copy.joinpath(*offence.where.split("."), "offence.py")
    culprit.write_text(f"import {offence.imported}\n")
    try:
        assert _broken_contracts(copy) == {offence.contract}
    finally:
        culprit.unlink()


def test_every_contract_is_seen_red() -> None:
    assert {offence.contract for offence in OFFENCES} == set(CONTRACTS)


def _broken_contracts(folder: Path) -> set[str]:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Contracts: " in run.stdout, run.stdout + run.stderr
    broken = {key for key, name in CONTRACTS.items() if re.search(rf"{re.escape(name)}\s+BROKEN", run.stdout)}
    assert (run.returncode != 0) == bool(broken), run.stdout
    return broken


def _all_but_python(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if Path(folder, name).is_file() and not name.endswith(".py")}
