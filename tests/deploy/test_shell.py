"""The shell scripts: shellcheck agrees with them, and each says how it is used."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import SCRIPTS, shell_scripts
from tests.deploy.programs import find_program

SOURCED = {"lib.sh", "events.sh"}
COMMANDS = [file for file in sorted(SCRIPTS.glob("*.sh")) if file.name not in SOURCED]
EVERY_COMMAND = pytest.mark.parametrize("script", COMMANDS, ids=lambda file: file.stem)


def test_shellcheck_finds_nothing() -> None:
    command: list[str | Path] = [
        find_program("shellcheck"),
        "--external-sources",
        f"--source-path={SCRIPTS}",
        *shell_scripts(),
    ]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("script", shell_scripts(), ids=lambda file: file.stem)
def test_a_script_ends_at_the_first_fault(script: Path) -> None:
    if script.name not in SOURCED:
        bash = script.read_text().startswith("#!/usr/bin/env bash\n")
        assert ("set -euo pipefail" if bash else "set -eu") in script.read_text().splitlines()


@EVERY_COMMAND
def test_a_command_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)


@EVERY_COMMAND
def test_help_names_every_parameter_of_the_environment(script: Path) -> None:
    helped = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=20)
    read = set(re.findall(r"\$\{([A-Z][A-Z0-9_]+):?[-?+]", script.read_text()))
    assert helped.returncode == 0
    assert [name for name in read if name not in helped.stdout] == []


@EVERY_COMMAND
def test_help_says_how_it_is_called(script: Path) -> None:
    helped = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=20)
    assert f"deploy/scripts/{script.name}" in helped.stdout


def test_an_outage_is_not_rehearsed_where_no_gateway_answers() -> None:
    environ = {**os.environ, "GATEWAY_URL": "http://127.0.0.1:9", "TIMEOUT_S": "60"}
    refused = subprocess.run([SCRIPTS / "outage_recovery.sh"], env=environ, capture_output=True, text=True, timeout=20)
    assert refused.returncode == 1
    assert refused.stderr.startswith("outage_recovery.sh: no gateway answers at http://127.0.0.1:9: status 000")


@pytest.mark.parametrize(
    ("name", "environ"),
    [
        ("smoke_async_pipeline", {"USER_ID": 'x","role":"system'}),
        ("outage_recovery", {"USER_ID": "two words"}),
        ("outage_recovery", {"FAULT": "explode"}),
        ("replay_dlq", {"COUNT": "none"}),
        ("replay_dlq", {"DRY_RUN": "maybe"}),
        ("deploy_remote", {}),
        ("deploy_remote", {"MEMORYOS_DEPLOY_HOST": "-oProxyCommand=x"}),
        ("deploy_remote", {"MEMORYOS_DEPLOY_HOST": "h", "MEMORYOS_DEPLOY_PATH": "a b"}),
        ("deploy_remote", {"MEMORYOS_DEPLOY_HOST": "h", "MEMORYOS_DEPLOY_COMPOSE": "other"}),
        ("inject_faults", {}),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_happens(name: str, environ: dict[str, str]) -> None:
    refused = subprocess.run(
        [SCRIPTS / f"{name}.sh"], env={**os.environ, **environ}, capture_output=True, text=True, timeout=20
    )
    assert refused.returncode == 2
    assert "see --help" in refused.stderr
