"""Programs that the tests run: those of wheels in this environment, else the system's."""

import shutil
import sys
from pathlib import Path

import pytest


def find_program(name: str) -> str:
    """Return the path of a program; the test is skipped where there is none."""
    beside = Path(sys.executable).with_name(name)
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        pytest.skip(f"there is no {name}")
    return path
