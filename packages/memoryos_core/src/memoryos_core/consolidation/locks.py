"""One at a time: who changes what was learnt of a scope, or what a person edits of it."""

from contextlib import AbstractAsyncContextManager

from memoryos_ports.ids import Scope
from memoryos_ports.locks import Locks


class ScopeLocks:
    """The locks of one purpose.

    What is read to be changed is read and written inside one, so that a deletion and a consolidation never write over
    each other, whichever process they are in; calls to language models are made outside. Entering one raises what
    `Locks.hold` raises.
    """

    def __init__(self, locks: Locks, purpose: str) -> None:
        self._locks = locks
        self._purpose = purpose

    def of(self, scope: Scope) -> AbstractAsyncContextManager[None]:
        """Return the lock of a scope."""
        return self._locks.hold(scope, self._purpose)
