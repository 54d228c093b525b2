"""One at a time: who changes what was learnt of a scope."""

import asyncio
from weakref import WeakValueDictionary

from memoryos_ports.ids import Scope


class ScopeLocks:
    """A lock per scope, for as long as somebody holds it or waits for it.

    What is read to be changed is read and written inside it, so that a deletion and a consolidation never write over
    each other; calls to language models are made outside.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Scope, asyncio.Lock] = WeakValueDictionary()

    def of(self, scope: Scope) -> asyncio.Lock:
        """Return the lock of a scope."""
        lock = self._locks.get(scope)
        if lock is None:
            lock = self._locks[scope] = asyncio.Lock()
        return lock
