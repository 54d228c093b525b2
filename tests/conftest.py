"""Where the tests keep their files: in memory where the machine offers it, since stores sync every commit."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest

_SHARED_MEMORY = Path("/dev/shm")
_PREFIX = "memoryos-tests-"
_KEPT_S = 3600
_ROOM_BYTES = 4 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """Put the temporary directories into memory, unless `--basetemp` says where they go."""
    _remove_leftovers()
    offered = _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free > _ROOM_BYTES
    if offered and config.option.basetemp is None:
        config.option.basetemp = str(_SHARED_MEMORY / f"{_PREFIX}{os.getpid()}")


def _remove_leftovers() -> None:
    """Remove what failed tests of earlier runs wrote, after an hour in which somebody may have looked at it."""
    for directory in _SHARED_MEMORY.glob(f"{_PREFIX}*"):
        is_over = not Path(f"/proc/{directory.name.removeprefix(_PREFIX)}").exists()
        with suppress(FileNotFoundError):  # another process of this run was faster
            if is_over and time.time() - directory.stat().st_mtime > _KEPT_S:
                shutil.rmtree(directory, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave nothing in memory but what a failed test wrote."""
    basetemp = session.config.option.basetemp
    if exitstatus == pytest.ExitCode.OK and str(basetemp).startswith(str(_SHARED_MEMORY / _PREFIX)):
        shutil.rmtree(basetemp, ignore_errors=True)
