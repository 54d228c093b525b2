"""The Python examples in the packages' READMEs run as they stand."""

import re
import subprocess
import sys

import pytest

from tests.arch.sources import PACKAGES, ROOT, project_table


def _examples(package: str) -> list[str]:
    text = (ROOT / "packages" / package / "README.md").read_text()
    return re.findall(r"^```python\n(.+?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_packages_that_teams_import_have_an_example() -> None:
    assert {package for package in PACKAGES if _examples(package)} == {
        "memoryos_adapters",
        "memoryos_core",
        "memoryos_ports",
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_the_examples_run(package: str) -> None:
    for example in _examples(package):
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", example], capture_output=True, text=True, check=False, timeout=60
        )
        assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_the_install_line_asks_for_this_version(package: str) -> None:
    major, minor = project_table(package)["version"].split(".")[:2]
    line = f'pip install "{package}>={major}.{minor},<{major}.{int(minor) + 1}"'
    assert line in (ROOT / "packages" / package / "README.md").read_text()
