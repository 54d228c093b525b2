"""The command line of the worker: what it does not do in this version, it says."""

from pathlib import Path

import pytest

import memoryos_worker
from memoryos_worker.__main__ import FAILED, OK, USAGE, main


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_embedded_profile_needs_no_worker(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == FAILED

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("storage.profile: a worker needs the profile 'server', configured is 'embedded'; ")


def test_every_fault_of_the_configuration_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEMORYOS__SERVER__PORT", "high")
    monkeypatch.setenv("MEMORYOS__WORKER__CONCURRENCY", "0")

    assert main(["run"]) == FAILED

    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "server.port",
        "worker.concurrency",
    ]


@pytest.mark.parametrize(
    "argv", [["dlq", "list"], ["dlq", "replay"], ["dlq", "drop", "--all"], ["stats"]], ids=" ".join
)
def test_what_is_not_built_yet_says_so(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == FAILED

    assert capsys.readouterr().err == f"{argv[0]}: not available in this version\n"


@pytest.mark.parametrize("argv", [[], ["dance"], ["run", "--fast"], ["run", "now"]])
def test_a_usage_error_exits_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)

    assert caught.value.code == USAGE
    assert "usage: memoryos-worker" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert (caught.value.code, capsys.readouterr().out.strip()) == (OK, memoryos_worker.__version__)
