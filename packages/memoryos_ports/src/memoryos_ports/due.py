"""The promise of the due-set: which scopes have something to consolidate, claimed by one runner at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

from memoryos_ports.ids import Scope


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to work on a scope until `until`.

    `fence` is higher with every claim of the scope, also when the scope was finished or erased in between.
    """

    scope: Scope
    fence: int
    until: datetime


@runtime_checkable
class DueSet(Protocol):
    """Holds scopes that are due from a moment on; what it was told survives a kill of the process.

    Raises UpstreamUnavailable or UpstreamTimeout when the store cannot be reached, StorageFull when its disk is
    full, MemoryDisabled (noop) for a write.
    """

    async def add(self, scope: Scope, *, at: datetime) -> None:
        """Make a scope due at that moment, or earlier if it is due earlier already; durable on return.

        A scope that is claimed becomes due again at that moment, but not before its lease is finished or runs out.
        """
        ...

    async def claim(self, *, limit: int, lease_s: float) -> Sequence[Lease]:
        """Return leases, each for `lease_s` from now, on up to `limit` scopes that are due; longest due first.

        A scope that is claimed is due when its lease runs out. Of two who claim at once, one gets the scope.
        """
        ...

    async def holds(self, lease: Lease) -> bool:
        """Return whether the lease is not finished and nobody has claimed the scope since, even when it ran out.

        Asked before what was worked out is written.
        """
        ...

    async def finish(self, lease: Lease, *, again_at: datetime | None = None) -> None:
        """Give a lease back; the scope is due again at `again_at` or when it was added for, whichever is earlier.

        Without either it is due no more. A lease that is not held any more changes nothing.
        """
        ...

    async def erase(self, scope: Scope) -> None:
        """Forget a scope; a lease on it is not held any more."""
        ...

    async def ping(self) -> None:
        """Return when the store answers; raise as above when it does not."""
        ...
