"""Locks among the tasks of one process: for stores that no other process uses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from memoryos_ports.ids import Scope


class LocalLocks:
    """`Locks` of one event loop, each for as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[Scope, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, scope: Scope, purpose: str) -> AsyncIterator[None]:
        """Wait for the lock and hold it; not for one who holds it already, who would wait for ever."""
        lock = self._locks.get((scope, purpose))
        if lock is None:
            lock = self._locks[scope, purpose] = asyncio.Lock()
        async with lock:
            yield
