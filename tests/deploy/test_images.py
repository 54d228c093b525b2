"""The images: pinned, non-root, with a health check of their own, made from what the build is really given."""

import fnmatch
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.arch.sources import PACKAGES, project_table
from tests.deploy.files import DOCKERFILE, ROOT, image_variables, instructions, stages
from tests.deploy.programs import find_program

IMAGES = ("gateway", "worker")
EVERY_IMAGE = pytest.mark.parametrize("image", IMAGES)


def copied(stage: str) -> list[str]:
    """Return the sources of a stage's COPY instructions that come from the repository."""
    lines = [line.split()[1:-1] for line in instructions(stage) if re.match(r"COPY (?!--from)", line)]
    return [source for sources in lines for source in sources]


def is_sent(path: str) -> bool:
    """Tell whether .dockerignore lets a path through: everything is left out but what is named after a ``!``."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if line and line[0] not in "#!") == "*"
    return any(fnmatch.fnmatch(f"{path}/", f"{line[1:]}/*") for line in lines if line.startswith("!"))


def test_hadolint_finds_nothing() -> None:
    linted = subprocess.run([find_program("hadolint"), DOCKERFILE], capture_output=True, text=True, timeout=60)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_everything_that_is_copied_exists_and_is_sent_to_the_builder() -> None:
    sources = {source for stage in stages() for source in copied(stage)}
    assert sources
    assert [source for source in sources if not (ROOT / source).exists() or not is_sent(source)] == []


def test_the_python_is_pinned_and_the_oldest_that_is_promised() -> None:
    (base,) = {line.split()[1] for line in instructions("base") if line.startswith("FROM ")}
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base)
    assert project_table("memoryos_gateway")["requires-python"] == ">=3.11"


@EVERY_IMAGE
def test_an_image_runs_as_nobody_in_particular_and_stops_when_told(image: str) -> None:
    lines = instructions(image)
    user = next(line.split()[1] for line in reversed(lines) if line.startswith("USER "))
    assert user.split(":")[0].isdecimal()
    assert int(user.split(":")[0]) > 0
    assert "STOPSIGNAL SIGTERM" in lines


@EVERY_IMAGE
def test_an_image_starts_its_command_and_asks_it_for_its_health(image: str) -> None:
    command = f"memoryos-{image}"
    assert command in project_table(f"memoryos_{image}")["scripts"]
    lines = instructions(image)
    assert f'ENTRYPOINT ["{command}"]' in lines
    (check,) = [line for line in lines if line.startswith("HEALTHCHECK ")]
    assert json.loads(check[check.index("[") :]) == [command, "health"]


@EVERY_IMAGE
def test_an_image_writes_no_bytecode_and_keeps_its_data_where_the_volume_is(image: str) -> None:
    variables = image_variables(image)
    assert (variables["PYTHONDONTWRITEBYTECODE"], variables["MEMORYOS_DATA_DIR"]) == ("1", "/data")


@EVERY_IMAGE
def test_nothing_in_an_image_reports_to_anybody(image: str) -> None:
    assert image_variables(image)["ORT_DISABLE_TELEMETRY"] == "1"


@EVERY_IMAGE
def test_an_image_says_what_it_is(image: str) -> None:
    labels = " ".join(line for line in instructions(image) if line.startswith("LABEL "))
    names = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", labels))
    assert names >= {"title", "description", "licenses", "version", "revision"}


@EVERY_IMAGE
def test_an_image_has_its_package_and_all_siblings_that_it_needs(image: str) -> None:
    (install,) = [line for line in instructions(f"{image}-environment") if "install.sh /opt" in line]
    installed = {word for word in install.split() if word in PACKAGES}
    needs = project_table(f"memoryos_{image}")["dependencies"]
    siblings = {package for package in PACKAGES if any(need.startswith(package) for need in needs)}
    assert installed == siblings | {f"memoryos_{image}"}


def test_the_build_makes_the_wheels_of_all_packages() -> None:
    assert copied("wheels") == ["packages"]
    assert {path.parent.name for path in Path(ROOT).glob("packages/*/pyproject.toml")} == set(PACKAGES)
