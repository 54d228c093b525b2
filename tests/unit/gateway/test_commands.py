"""The command line of the gateway, as far as it goes without serving."""

from pathlib import Path

import pytest

import memoryos_gateway
from memoryos_gateway.__main__ import FAILED, OK, USAGE, main


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["serve", "--help"], ["doctor", "--help"]])
def test_what_only_tells_something_is_ok(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)

    assert caught.value.code == OK
    assert capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])

    assert capsys.readouterr().out.strip() == memoryos_gateway.__version__


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["dance"],
        ["serve", "--loud"],
        ["serve", "now"],
        ["serve", "--port"],
        ["doctor", "--jsonl"],
        ["reembed", "--port", "1"],
        ["outbox", "--wait", "soon"],
        ["outbox", "--wait", "-1"],
        ["health", "now"],
        ["export", "ana.ndjson"],
        ["import", "--user", "ana"],
        ["forget"],
        ["eval"],
        ["eval", "file.json", "--limit", "0"],
        ["eval", "file.json", "--limit", "few"],
    ],
    ids=" ".join,
)
def test_a_usage_error_exits_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)

    assert caught.value.code == USAGE
    assert "usage: memoryos-gateway" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["keys", "create", "--tenant", "acme"],
        ["keys", "list"],
        ["keys", "revoke", "k1"],
    ],
    ids=" ".join,
)
def test_what_is_not_built_yet_says_so(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == FAILED

    assert capsys.readouterr().err == f"{argv[0]}: not available in this version\n"


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        (["serve", "--set", "server.port"], "--set server.port: expected SECTION.KEY=VALUE"),
        (["serve", "--port", "high"], "server.port: "),
        (["serve", "--set", "storage.profile=cloud"], "storage.profile: "),
        (["outbox"], "storage: there is an outbox on the profile 'server' only"),
        (
            ["reembed", "--set", "storage.profile=server"],
            "storage.profile: 'server' has no index in the data directory",
        ),
        (["doctor", "--set", "servr.port=1"], "servr"),
        (["serve", "--host", "0.0.0.0"], "server.host: "),
    ],
)
def test_a_fault_of_the_configuration_exits_with_1_and_is_named(
    argv: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == FAILED

    assert capsys.readouterr().err.startswith(fault)
