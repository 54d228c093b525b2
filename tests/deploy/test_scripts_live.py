"""The scripts for real: a gateway, a worker, redis-server and the stand-in of Qdrant as processes of this machine."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.files import ROOT, SCRIPTS
from tests.deploy.stand_ins import StandIns
from tests.support.redis_server import find_binary

LONGEST_S = 240
DOCKER = """
cd {directory}
case $* in
*" up "*)
    {redis} --port "$REDIS_PORT" --dir {directory} >redis.log 2>&1 &
    echo $! >pids
    PYTHONPATH={root} {python} -m tests.support.qdrant_facade --port "$QDRANT_PORT" --path index >qdrant.log 2>&1 &
    echo $! >>pids
    ;;
*" down "*)
    for pid in $(cat pids); do
        kill "$pid"
        while kill -0 "$pid" && ! ps -o stat= -p "$pid" | grep -q Z; do sleep 0.1; done
    done
    ;;
esac
"""
WORKER = Path(sys.executable).with_name("memoryos-worker")


class Demo:
    """A demo that was left running, as its own output describes it."""

    def __init__(self, directory: Path, output: str, told: str) -> None:
        self.directory = directory
        self.output = output
        self.told = told
        (self.gateway_url,) = set(re.findall(r"curl (http://\S+)/health/status", output))
        (self.redis_port,) = re.findall(r"--port (\d+)", (directory / "redis.start").read_text())

    def run(self, script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run another script on it."""
        given = {
            "GATEWAY_URL": self.gateway_url,
            "FAULTS_DIR": str(self.directory),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "WORKER_COMMAND": str(WORKER),
        }
        return run_script(script, *arguments, **{**given, **environ})

    def redis(self, *command: str) -> str:
        """Type a command into redis-cli."""
        call = [find_binary("redis-cli"), "-p", self.redis_port, *command]
        return subprocess.run(call, capture_output=True, text=True, timeout=20, check=True).stdout.strip()

    @property
    def first_dead_letter(self) -> str:
        """The id of the oldest dead letter; nothing while there is none."""
        return self.redis("XRANGE", "chat_log:dlq", "-", "+", "COUNT", "1").partition("\n")[0]


def run_script(script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script of deploy/scripts with the hashed embedder and nothing else of ours in its environment."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEMORYOS")}
    settings = {"MEMORYOS__EMBEDDING__KIND": "hashed", "PYTHON": sys.executable, "DEMO_WITH": "local"}
    command: list[str | Path] = [SCRIPTS / script, *arguments]
    return subprocess.run(
        command, env={**inherited, **settings, **environ}, capture_output=True, text=True, timeout=LONGEST_S
    )


def processes_of(directory: Path) -> list[str]:
    """Return the command lines of what runs with data in a directory."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, timeout=20, check=True).stdout
    return [line for line in listed.splitlines() if str(directory) in line]


def wait_until(holds: Callable[[], object]) -> None:
    """Return once it holds, for what another process does."""
    deadline = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Yield a demo that was left running; it is stopped afterwards."""
    directory = tmp_path_factory.mktemp("demo")
    try:
        shown = run_script("demo_async_pipeline.sh", DEMO_KEEP="1", DEMO_DIR=str(directory))
        assert shown.returncode == 0, shown.stderr
        yield Demo(directory, shown.stdout, shown.stderr)
    finally:
        run_script("demo_async_pipeline.sh", "stop", str(directory))
    assert processes_of(directory) == []


def test_the_demo_proves_the_pipeline_and_says_how_to_go_on(demo: Demo) -> None:
    assert re.search(r"^ok smoke-", demo.output, re.MULTILINE)
    assert re.search(r"^waiting +0$", demo.output, re.MULTILINE)
    assert re.search(r"^dead +0$", demo.output, re.MULTILINE)
    assert "/v1/chat/completions" in demo.output
    assert "this Qdrant is a stand-in" in demo.told
    assert re.search(r"^found: In the smoke test .* a copper teapot", demo.told, re.MULTILINE)


def test_a_demo_with_docker_takes_its_middleware_from_there_and_leaves_nothing_running(tmp_path: Path) -> None:
    stand_ins = StandIns(tmp_path)
    docker = DOCKER.format(redis=find_binary("redis-server"), python=sys.executable, root=ROOT, directory=tmp_path)
    stand_ins.add("docker", docker)

    path = stand_ins.before(os.environ["PATH"])
    shown = run_script("demo_async_pipeline.sh", DEMO_DIR=str(tmp_path / "demo"), DEMO_WITH="docker", PATH=path)

    assert shown.returncode == 0, shown.stderr
    assert re.search(r"^ok smoke-", shown.stdout, re.MULTILINE)
    assert "stand-in" not in shown.stderr
    assert [call.split(".yml ")[1] for call in stand_ins.calls] == ["up --detach --wait", "down --volumes"]
    assert processes_of(tmp_path) == []


def test_the_smoke_test_sees_an_event_stored_and_found(demo: Demo) -> None:
    smoked = demo.run("smoke_async_pipeline.sh", USER_ID="someone@example.org")
    assert smoked.returncode == 0, smoked.stderr
    event = smoked.stdout.removeprefix("ok ").strip()
    assert smoked.stderr.splitlines() == [
        f"said:  In the smoke test {event} a copper teapot stood on the windowsill.",
        f"acknowledged: {event}",
        "stored",
        f"asked: What stood on the windowsill in the smoke test {event}?",
        f"found: In the smoke test {event} a copper teapot stood on the windowsill.",
    ]


def test_the_smoke_test_fails_when_nobody_consumes(demo: Demo) -> None:
    demo.run("inject_faults.sh", "pause", "worker")
    smoked = demo.run("smoke_async_pipeline.sh", TIMEOUT_S="1")
    demo.run("inject_faults.sh", "resume", "worker")
    assert smoked.returncode == 1
    assert "was not applied within 1 s" in smoked.stderr


def test_the_smoke_test_fails_when_no_gateway_answers(demo: Demo) -> None:
    smoked = demo.run("smoke_async_pipeline.sh", GATEWAY_URL="http://127.0.0.1:9")
    assert smoked.returncode == 1
    assert "status 000" in smoked.stderr


def test_dead_letters_are_shown_by_a_dry_run_and_put_back_by_a_real_one(demo: Demo) -> None:
    demo.redis("XADD", "chat_log", "*", "nonsense", "1")
    wait_until(lambda: demo.first_dead_letter)
    first = demo.first_dead_letter

    dry = demo.run("replay_dlq.sh", DRY_RUN="1")
    assert (dry.returncode, first in dry.stdout) == (0, True)
    assert demo.first_dead_letter == first

    replayed = demo.run("replay_dlq.sh", COUNT="1")
    assert (replayed.returncode, replayed.stdout) == (0, "replayed 1 dead letter\n")
    wait_until(lambda: demo.first_dead_letter not in ("", first))  # it is as bad as before: buried again
    assert demo.redis("XLEN", "chat_log:dlq") == "1"


@pytest.mark.parametrize("fault", ["kill", pytest.param("pause", marks=pytest.mark.soak)])
def test_redis_qdrant_and_both_may_go_away_and_come_back(demo: Demo, fault: str) -> None:
    endured = demo.run("outage_recovery.sh", FAULT=fault)
    assert endured.returncode == 0, endured.stderr
    said = endured.stderr.splitlines()
    assert [line for line in said if line.startswith("---")] == [
        "--- without redis",
        "--- without qdrant",
        "--- without redis qdrant",
    ]
    assert said.count("a chat is answered, state=degraded") == 3
    assert said.count("the write is stored and found") == 3
