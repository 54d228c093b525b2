"""Checks that no file of the repository names a package registry's host or somebody's home directory."""

import re
import sys
from collections.abc import Iterator

from tools.tracked import ROOT, tracked_files

# Written with groups and escapes so that no line of this file matches.
REGISTRY_HOST = r"(?:files\.python(?:hosted)\.org|(?:test\.)?(?:py)pi\.org|registry\.(?:npm)js\.org|(?:crates)\.io/api)"
HOME_DIRECTORY = r"(?<![\w.:/~-])/(?:home|Users)/[A-Za-z0-9._-]+|(?<![\w.:/~-])/(?:root)/[A-Za-z0-9._-]"
FORBIDDEN = re.compile(f"{REGISTRY_HOST}|{HOME_DIRECTORY}")


def offending_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and match of every line that names what must not be named."""
    for number, line in enumerate(text.splitlines(), start=1):
        if match := FORBIDDEN.search(line):
            yield number, match[0]


def main() -> int:
    """Check all text files; return the exit code."""
    files = tracked_files()
    found = [
        f"{file.relative_to(ROOT)}:{number}: {match}"
        for file in files
        for number, match in offending_lines(file.read_bytes().decode(errors="ignore"))
    ]
    for line in found:
        print(line, file=sys.stderr)
    print(f"paths: {len(files)} files, {len(found)} offending lines")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
