"""The command line of the worker: what it refuses, it says in one line, with the exit code that scripts rely on."""

from pathlib import Path

import pytest

import memoryos_worker
from memoryos_worker.__main__ import FAILED, OK, USAGE, main


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("profile", ["embedded", "noop"])
@pytest.mark.parametrize("argv", [["run"], ["stats"], ["dlq", "list"], ["dlq", "drop", "--all"]], ids=" ".join)
def test_only_the_server_profile_has_a_worker(
    argv: list[str], profile: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEMORYOS__STORAGE__PROFILE", profile)

    assert main(argv) == FAILED

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"storage.profile: a worker needs the profile 'server', configured is {profile!r}; ")


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
    "argv",
    [
        [],
        ["dance"],
        ["run", "--fast"],
        ["run", "now"],
        ["dlq"],
        ["dlq", "replay"],
        ["dlq", "drop", "--dry-run"],
        ["dlq", "drop", "1-0", "--all"],
        ["dlq", "list", "--count", "0"],
        ["dlq", "replay", "--count", "many"],
    ],
    ids=" ".join,
)
def test_a_usage_error_exits_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)

    assert caught.value.code == USAGE
    assert "usage: memoryos-worker" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5", ""])
def test_a_count_that_is_none_is_refused_in_words(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["dlq", "list", f"--count={count}"])

    refusal = capsys.readouterr().err.splitlines()[-1]
    assert refusal.endswith(f"argument --count: must be a whole number from 1 on, is {count!r}")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert (caught.value.code, capsys.readouterr().out.strip()) == (OK, memoryos_worker.__version__)
