"""A compose file as Docker Compose reads it, as far as the tests need: merged, with the variables of .env put in."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.deploy.files import DEPLOY, image_variables, read_yaml

COMPOSE = DEPLOY / "compose"
FILES = sorted(COMPOSE.glob("docker-compose.*.yml"))
OURS = {"memoryos-gateway": "gateway", "memoryos-worker": "worker"}
"""The stage of the Dockerfile by the name of its image."""

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<word>[^}]*))?\})")


def example_env() -> dict[str, str]:
    """Return the variables of env.example, those that are commented out left away, empty ones filled in."""
    lines = (COMPOSE / "env.example").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return {name: value or f"filled-in-{name}" for name, value in pairs}


def load_compose(file: Path) -> Any:
    """Return a compose file with every ``${...}`` replaced. Raises KeyError for one that has no value."""
    return _interpolated(read_yaml(file), example_env())


def named_variables(file: Path) -> set[str]:
    """Return the names of the variables that a compose file takes from .env."""
    return {match["name"] for match in _VARIABLE.finditer(file.read_text()) if match["name"]}


def our_services(file: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Yield name, description and environment (image, .env, compose file) of each gateway and worker."""
    for name, service in load_compose(file)["services"].items():
        if stage := OURS.get(service["image"].split(":")[0]):
            yield name, service, {**image_variables(stage), **example_env(), **service.get("environment", {})}


def host_files(service: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the files of this repository that a service mounts."""
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        if source.startswith("."):
            yield (COMPOSE / source).resolve()


def _interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _interpolated(item, variables) for key, item in value.items()}
        case list():
            return [_interpolated(item, variables) for item in value]
        case str():
            return _VARIABLE.sub(lambda match: _value_of(match, variables), value)
        case _:
            return value


def _value_of(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match["escaped"]:
        return "$"
    if match["how"] == "-":
        return variables.get(match["name"], match["word"])
    return variables[match["name"]]
