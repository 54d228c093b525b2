"""Writes the part of requirements.lock that some packages of this workspace need at run time.

The lock file holds everything, the tools of development included, and says under each entry for whom it is there
(``# via``); so what an image needs is what hangs, directly or not, on the packages that are named on the command line::

    python select_requirements.py requirements.lock memoryos_worker memoryos_core memoryos_adapters memoryos_ports

Only the standard library is used: this runs before anything is installed.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==", re.MULTILINE)
_VIA = re.compile(r"^ +# via((?: \S+)?(?:\n +#   \S+)*)", re.MULTILINE)


def select(lock: str, packages: Iterable[str]) -> str:
    """Return the entries of `lock`, hashes included, that `packages` need, in the order of the file.

    Raises ValueError when a package stands behind no entry at all.
    """
    entries = _entries(lock)
    parents = [(name, _parents(entry)) for name, entry in entries]
    roots = {_normalised(package) for package in packages}
    if unknown := roots.difference(*(known for _, known in parents)):
        raise ValueError(f"nothing of the lock file is there for {', '.join(sorted(unknown))}")
    needed = _reachable(roots, parents)
    return "".join(entry for name, entry in entries if name in needed)


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code."""
    if len(arguments) < 2:
        sys.stderr.write("usage: select_requirements.py requirements.lock PACKAGE...\n")
        return 2
    file, *packages = arguments
    sys.stdout.write(select(Path(file).read_text(), packages))
    return 0


def _entries(lock: str) -> list[tuple[str, str]]:
    """Return name and text of every entry; a name has several where Python versions ask for different releases."""
    starts = [(match["name"], match.start()) for match in _ENTRY.finditer(lock)]
    ends = [start for _, start in starts[1:]] + [len(lock)]
    return [(_normalised(name), lock[start:end]) for (name, start), end in zip(starts, ends, strict=True)]


def _parents(entry: str) -> set[str]:
    return {_normalised(word) for group in _VIA.findall(entry) for word in group.replace("#", " ").split()}


def _reachable(roots: set[str], parents: Sequence[tuple[str, set[str]]]) -> set[str]:
    reached = set(roots)
    while more := {name for name, known in parents if name not in reached and known & reached}:
        reached |= more
    return reached


def _normalised(name: str) -> str:
    """Return a name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
