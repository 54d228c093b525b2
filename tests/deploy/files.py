"""The files of deploy/ as the tests read them: YAML documents, shell scripts, the Dockerfile's stages and variables."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = DEPLOY / "scripts"
DOCKERFILE = DEPLOY / "docker/Dockerfile"
CHART = DEPLOY / "helm/memoryos"

_CONTINUED = re.compile(r"\\\n")
_STAGE = re.compile(r"^FROM (?P<image>\S+) AS (?P<name>\S+)$", re.MULTILINE)
_VARIABLE = re.compile(r"(\w+)=(\S+)")


def shell_scripts() -> list[Path]:
    """Return every shell script below deploy/."""
    return sorted(DEPLOY.rglob("*.sh"))


def read_yaml(file: Path) -> Any:
    """Return the one document of a YAML file."""
    return yaml.safe_load(file.read_text())


def instructions(stage: str) -> list[str]:
    """Return the instructions of a stage of the Dockerfile and of those it is made from, continued lines joined."""
    text = _CONTINUED.sub("", re.sub(r"^ *#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE))
    found = {match["name"]: match for match in _STAGE.finditer(text)}
    match = found[stage]
    end = text.find("\nFROM ", match.end())
    own = [line.strip() for line in text[match.start() : end if end > 0 else len(text)].splitlines() if line.strip()]
    return [*(instructions(match["image"]) if match["image"] in found else []), *own]


def stages() -> list[str]:
    """Return the names of the Dockerfile's stages."""
    return [match["name"] for match in _STAGE.finditer(DOCKERFILE.read_text())]


def image_variables(stage: str) -> dict[str, str]:
    """Return the environment that an image gives its process."""
    return {
        name: value
        for line in instructions(stage)
        if line.startswith("ENV ")
        for name, value in _VARIABLE.findall(line.removeprefix("ENV "))
    }
