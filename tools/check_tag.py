"""Checks that a release tag NAME-vX.Y.Z fits the package it names: its version, and a dated entry in its CHANGELOG."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TAG = re.compile(r"(?P<package>memoryos_[a-z]+)-v(?P<version>\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)")


class WrongTag(Exception):
    """The tag must not be released; the text says why."""


def package_of(tag: str, root: Path = ROOT) -> str:
    """Return the package that a tag releases.

    Raises WrongTag when the tag has another form, names no package, or does not fit the package's files.
    """
    match = TAG.fullmatch(tag)
    if match is None:
        raise WrongTag(f"{tag!r} is not NAME-vX.Y.Z")
    package, version = match["package"], match["version"]
    folder = root / "packages" / package
    if not folder.is_dir():
        raise WrongTag(f"there is no package {package}")
    declared = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]
    if declared != version:
        raise WrongTag(f"{package} is at {declared}, the tag says {version}")
    if not re.search(rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$", (folder / "CHANGELOG.md").read_text(), re.M):
        raise WrongTag(f"CHANGELOG.md of {package} has no entry '## {version} (YYYY-MM-DD)'")
    return package


def main() -> int:
    """Print the package of the tag given as the only argument; return the exit code."""
    try:
        print(package_of(sys.argv[1]))
    except WrongTag as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
