"""The promise of locks: who changes what belongs to a scope is alone, whichever process it is in."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from memoryos_ports.ids import Scope


@runtime_checkable
class Locks(Protocol):
    """Mutual exclusion among everybody who uses the same stores."""

    def hold(self, scope: Scope, purpose: str) -> AbstractAsyncContextManager[None]:
        """Wait for the lock of a scope for a purpose, and hold it until the block ends; others are independent.

        A holder that dies loses it after a few seconds. Entering raises UpstreamUnavailable or UpstreamTimeout when
        the locks cannot be reached, or when another holder keeps it for too long.
        """
        ...
