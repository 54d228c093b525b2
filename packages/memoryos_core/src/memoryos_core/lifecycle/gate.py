"""The gate of a scope: many may write at once, and who erases is alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from memoryos_ports.ids import Scope


class ScopeGate:
    """Keeps what writes to a scope and what erases it apart, within this process.

    It is taken by the public door (a request, the application of an event) and by nothing that a door calls: who has
    passed must not pass again, since an erasure may wait in between.
    """

    def __init__(self) -> None:
        self._doors: dict[Scope, _Door] = {}

    @asynccontextmanager
    async def writing(self, scope: Scope) -> AsyncIterator[bool]:
        """Write together with others; yields whether it had to wait for an erasure first."""
        with self._at(scope) as door:
            waited = door.closed
            await door.wait_until(lambda: not door.closed)
            door.writers += 1
            try:
                yield waited
            finally:
                door.writers -= 1
                door.tell()

    @asynccontextmanager
    async def alone(self, scope: Scope, *, patience_s: float) -> AsyncIterator[bool]:
        """Let nobody else begin to write; yields whether those who wrote have finished within `patience_s` seconds."""
        with self._at(scope) as door:
            await door.wait_until(lambda: not door.closed)
            door.closed = True
            try:
                yield await _finished(door, patience_s)
            finally:
                door.closed = False
                door.tell()

    @contextmanager
    def _at(self, scope: Scope) -> Iterator["_Door"]:
        door = self._doors.setdefault(scope, _Door())
        door.guests += 1
        try:
            yield door
        finally:
            door.guests -= 1
            if not door.guests:
                del self._doors[scope]


class _Door:
    """What is known of one scope for as long as somebody is at its gate."""

    def __init__(self) -> None:
        self.guests = 0
        self.writers = 0
        self.closed = False
        self._news = asyncio.Event()

    def tell(self) -> None:
        """Make everybody who waits look again."""
        self._news.set()
        self._news = asyncio.Event()

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Return once it holds."""
        while not holds():
            await self._news.wait()


async def _finished(door: _Door, patience_s: float) -> bool:
    try:
        async with asyncio.timeout(patience_s):
            await door.wait_until(lambda: not door.writers)
    except TimeoutError:
        return False
    return True
