"""Every command of ours that deploy/ calls exists, with the options that it is called with."""

import re
from collections.abc import Callable, Sequence

import pytest

from memoryos_gateway.command_line import make_parser
from memoryos_worker.command_line import parse
from tests.deploy.files import DEPLOY

FILES = [file for file in sorted(DEPLOY.rglob("*")) if file.is_file() and file.suffix != ".json"]
PARSE: dict[str, Callable[[Sequence[str]], object]] = {
    "memoryos-gateway": make_parser().parse_args,
    "memoryos-worker": parse,
}

_CALL = re.compile(r'\b(memoryos-(?:gateway|worker))(?: |", ")([a-z]+)([^`;|&)\n]*)')


def calls() -> set[tuple[str, ...]]:
    """Return program, command and options of every call in the files of deploy/."""
    put_together_by_replay_dlq = ("memoryos-worker", "dlq", "replay", "--all", "--count", "--dry-run")
    found: set[tuple[str, ...]] = {put_together_by_replay_dlq}
    for program, command, rest in (match for file in FILES for match in _CALL.findall(file.read_text())):
        nested = re.findall(r"^ ([a-z]+)", rest) if command == "dlq" else []
        found.add((program, command, *nested, *sorted(re.findall(r"--[a-z-]+", rest))))
    return found


@pytest.mark.parametrize("call", sorted(calls()), ids=" ".join)
def test_a_command_and_its_options_exist(call: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    program, *words = call
    command = [word for word in words if not word.startswith("--")]
    with pytest.raises(SystemExit) as ended:
        PARSE[program]([*command, "--help"])
    helped = capsys.readouterr().out
    assert ended.value.code == 0
    assert [word for word in words if word.startswith("--") and word not in helped] == []


def test_the_health_checks_of_the_images_are_among_them() -> None:
    assert {("memoryos-gateway", "health"), ("memoryos-worker", "health")} <= calls()
