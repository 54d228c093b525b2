"""inject_faults.sh, against a process of its own and against a stand-in of Docker."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.files import SCRIPTS
from tests.deploy.stand_ins import StandIns


class Victim:
    """A process as the directory of a demo describes it: that of `sleep`, once it is started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "victim.start").write_text("exec sleep 300\n")

    @property
    def pid(self) -> int:
        """Its process id."""
        return int((self.directory / "victim.pid").read_text())

    @property
    def state(self) -> str:
        """S: it runs; T: it is paused; Z or nothing: it is dead."""
        asked = subprocess.run(["ps", "-o", "stat=", "-p", str(self.pid)], capture_output=True, text=True, timeout=20)
        return asked.stdout.strip()[:1]

    def inject(self, action: str) -> subprocess.CompletedProcess[str]:
        """Run the script on it."""
        return _inject(action, "victim", FAULTS_DIR=str(self.directory))


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    """Yield a victim that runs; it is ended afterwards."""
    victim = Victim(tmp_path)
    ended = subprocess.Popen(["true"])
    ended.wait(20)
    (tmp_path / "victim.pid").write_text(str(ended.pid))
    assert victim.inject("start").returncode == 0
    try:
        yield victim
    finally:
        if victim.state not in ("", "Z"):
            os.kill(victim.pid, signal.SIGKILL)


def test_a_process_is_paused_and_goes_on(victim: Victim) -> None:
    assert victim.inject("pause").returncode == 0
    assert victim.state == "T"
    assert victim.inject("resume").returncode == 0
    assert victim.state == "S"


def test_a_process_is_killed_and_started_again(victim: Victim) -> None:
    first = victim.pid
    assert victim.inject("kill").returncode == 0
    assert victim.state in ("", "Z")
    assert victim.inject("start").returncode == 0
    assert victim.pid != first
    assert victim.state != "T"


def test_a_process_is_restarted_even_when_it_is_paused(victim: Victim) -> None:
    first = victim.pid
    victim.inject("pause")
    assert victim.inject("restart").returncode == 0
    assert victim.pid != first
    assert victim.state != "T"


def test_what_runs_is_not_started_a_second_time(victim: Victim) -> None:
    first = victim.pid
    refused = victim.inject("start")
    assert (refused.returncode, "runs already" in refused.stderr, victim.pid) == (1, True, first)


@pytest.mark.parametrize("action", ["pause", "resume", "kill", "start", "restart"])
def test_a_target_that_is_not_there_is_named(tmp_path: Path, action: str) -> None:
    refused = _inject(action, "nobody", FAULTS_DIR=str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr == f"inject_faults.sh: nobody has no pid file in {tmp_path}\n"


@pytest.mark.parametrize(
    ("action", "commands"),
    [
        ("pause", ["pause redis"]),
        ("resume", ["unpause redis"]),
        ("kill", ["kill redis"]),
        ("restart", ["kill redis", "start redis"]),
    ],
)
def test_without_a_directory_the_containers_are_meant(tmp_path: Path, action: str, commands: list[str]) -> None:
    stand_ins = StandIns(tmp_path)
    stand_ins.add("docker")
    path = stand_ins.before(os.environ["PATH"])
    assert _inject(action, "redis", PATH=path, COMPOSE_FILE="demo.yml").returncode == 0
    assert stand_ins.calls == [f"docker compose --file demo.yml {command}" for command in commands]


def test_an_unknown_action_does_nothing(tmp_path: Path) -> None:
    assert _inject("explode", "redis", FAULTS_DIR=str(tmp_path)).returncode == 2


def _inject(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("FAULTS_DIR", "COMPOSE_FILE")}
    command: list[str | Path] = [SCRIPTS / "inject_faults.sh", *arguments]
    return subprocess.run(command, env={**inherited, **environ}, capture_output=True, text=True, timeout=30)
