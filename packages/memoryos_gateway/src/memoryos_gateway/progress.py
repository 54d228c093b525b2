"""How far a long command is: a bar on a terminal, a plain line now and then elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from tqdm import tqdm

_LINES = 10  # about so many for a whole command


class Progress(Protocol):
    """What a command tells while it works."""

    def update(self, n: int) -> object:
        """Say that `n` more are done."""
        ...


@contextmanager
def showing_progress(
    label: str, *, total: int | None, done: int = 0, unit: str, to: TextIO | None = None
) -> Iterator[Progress]:
    """Show on standard error, or on `to`, how many of `total` are done; `done` of them were before.

    Where nobody knows the total, it is a count on a terminal and nothing elsewhere.
    """
    out = to or sys.stderr
    if out.isatty():
        with tqdm(desc=label, total=total, initial=done, unit=f" {unit}", file=out) as bar:
            yield bar
    else:
        yield _Lines(label, total=total, done=done, unit=unit, out=out)


class _Lines:
    def __init__(self, label: str, *, total: int | None, done: int, unit: str, out: TextIO) -> None:
        self._label, self._total, self._done, self._unit, self._out = label, total, done, unit, out

    def update(self, n: int) -> None:
        before, self._done = self._done, self._done + n
        if self._total and self._part(before, self._total) != self._part(self._done, self._total):
            self._out.write(f"{self._label}: {self._done} of {self._total} {self._unit}\n")
            self._out.flush()

    def _part(self, done: int, total: int) -> int:
        return done * _LINES // total
