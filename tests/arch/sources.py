"""The packages' source files as the architecture tests read them."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = tuple(sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml")))


class Module(NamedTuple):
    """One source file: the package it belongs to, its dotted name, its path and its syntax tree."""

    package: str
    name: str
    path: Path
    tree: ast.Module


def source_dir(package: str) -> Path:
    """Return the folder to put on `sys.path` for a package."""
    return ROOT / "packages" / package / "src"


def modules_of(package: str) -> Iterator[Module]:
    """Yield every module of a package."""
    base = source_dir(package)
    for path in sorted(base.rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield Module(package, name, path, ast.parse(path.read_bytes(), filename=str(path)))


def all_modules() -> list[Module]:
    """Return every module of every package."""
    return [module for package in PACKAGES for module in modules_of(package)]


def project_table(package: str) -> dict[str, Any]:
    """Return the `[project]` table of a package's pyproject.toml."""
    text = (ROOT / "packages" / package / "pyproject.toml").read_text()
    project: dict[str, Any] = tomllib.loads(text)["project"]
    return project
