"""Where the tests keep their files: in memory where the machine offers it, since stores sync every commit."""

import os
import shutil
from pathlib import Path

import pytest

_SHARED_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """Put the temporary directories into memory, unless `--basetemp` says where they go."""
    offered = _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free > _ROOM_BYTES
    if offered and config.option.basetemp is None:
        config.option.basetemp = str(_SHARED_MEMORY / f"memoryos-tests-{os.getpid()}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave nothing in memory but what a failed test wrote."""
    basetemp = session.config.option.basetemp
    if exitstatus == pytest.ExitCode.OK and str(basetemp).startswith(str(_SHARED_MEMORY / "memoryos-tests-")):
        shutil.rmtree(basetemp, ignore_errors=True)
