"""The due-set of the noop profile: holds nothing, takes nothing."""

from datetime import datetime

from memoryos_ports.due import Lease
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.ids import Scope


class NoopDue:
    """A `DueSet` without scopes: nothing is ever due, an addition raises MemoryDisabled."""

    async def add(self, scope: Scope, *, at: datetime) -> None:
        """Raise MemoryDisabled."""
        raise MemoryDisabled

    async def claim(self, *, limit: int, lease_s: float) -> list[Lease]:
        """Return nothing."""
        return []

    async def holds(self, lease: Lease) -> bool:
        """Return False: nothing was claimed here."""
        return False

    async def finish(self, lease: Lease, *, again_at: datetime | None = None) -> None:
        """Return: no lease is held."""

    async def erase(self, scope: Scope) -> None:
        """Return: no scope is known."""

    async def ping(self) -> None:
        """Return: there is nothing to reach."""
