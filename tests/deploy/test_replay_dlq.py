"""replay_dlq.sh: what it asks the worker's command for."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import SCRIPTS
from tests.deploy.stand_ins import StandIns


@pytest.mark.parametrize(
    ("environ", "arguments", "expected"),
    [
        ({}, [], "dlq replay --count 100 --all"),
        ({"COUNT": "5", "DRY_RUN": "1"}, [], "dlq replay --count 5 --dry-run --all"),
        ({"DRY_RUN": "0"}, ["17-0", "18-0"], "dlq replay --count 100 17-0 18-0"),
    ],
)
def test_the_parameters_become_options(
    tmp_path: Path, environ: dict[str, str], arguments: list[str], expected: str
) -> None:
    stand_ins = StandIns(tmp_path)
    worker = stand_ins.add("worker")
    replayed = _replay(*arguments, WORKER_COMMAND=str(worker), **environ)
    assert (replayed.returncode, stand_ins.calls) == (0, [f"worker {expected}"])


def test_the_server_and_the_stream_become_settings(tmp_path: Path) -> None:
    worker = StandIns(tmp_path).add("worker", "env")
    url = "redis://127.0.0.1:7000/1"
    replayed = _replay(WORKER_COMMAND=f"{worker} --quiet", REDIS_URL=url, STREAM="other")
    assert {
        "MEMORYOS__STORAGE__PROFILE=server",
        f"MEMORYOS__STORAGE__REDIS__URL={url}",
        "MEMORYOS_WORKER_STREAM=other",
    } <= set(replayed.stdout.splitlines())


def test_the_exit_code_is_that_of_the_worker(tmp_path: Path) -> None:
    worker = StandIns(tmp_path).add("worker", "exit 1")
    assert _replay(WORKER_COMMAND=str(worker)).returncode == 1


def _replay(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [SCRIPTS / "replay_dlq.sh", *arguments]
    return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=20)
