"""Changes that are owed to a file which cannot be written at the moment, and how long ago it could not."""

import asyncio
from collections.abc import Awaitable, Callable, Set
from itertools import starmap
from typing import Final, TypeAlias

from loguru import logger

from memoryos_ports.errors import MemoryOSError, UpstreamUnavailable

Change: TypeAlias = Callable[[], Awaitable[None]]

FAULT_S: Final = 30.0
"""For how long a failure counts: a file on a full disk may have room for a small change and none for the next."""

_AT_ONCE: Final = 32


class OwedChanges:
    """Makes changes of a file, each under a handle, and keeps those that fail, to be made later."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._owed: dict[str, Change] = {}
        self._fault: MemoryOSError | None = None
        self._fault_ends = 0.0

    @property
    def handles(self) -> Set[str]:
        """Whose changes are owed."""
        return self._owed.keys()

    async def make(self, handle: str, change: Change) -> None:
        """Make a change, or owe it."""
        try:
            await change()
        except MemoryOSError as exc:
            self.note_fault(exc)
            self._owed[handle] = change
        else:
            self._owed.pop(handle, None)

    async def settle(self) -> bool:
        """Make what is owed, as far as the file can be written again; return whether anything changed."""
        before = len(self._owed)
        while some := list(self._owed.items())[:_AT_ONCE]:
            await asyncio.gather(*starmap(self.make, some))
            if some[0][0] in self._owed:
                break
        return len(self._owed) != before

    def note_fault(self, exc: MemoryOSError) -> None:
        """Note that the file could not be written just now."""
        if not self._is_faulty():
            logger.bind(error=str(exc)).warning(f"{self._name} cannot be written")
        self._fault, self._fault_ends = exc, asyncio.get_running_loop().time() + FAULT_S

    def check(self) -> None:
        """Raise UpstreamUnavailable when the file could not be written of late."""
        if self._is_faulty():
            raise UpstreamUnavailable(upstream=self._name, detail="cannot be written") from self._fault

    def _is_faulty(self) -> bool:
        return self._fault is not None and asyncio.get_running_loop().time() < self._fault_ends
