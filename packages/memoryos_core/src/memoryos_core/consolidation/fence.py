"""What a runner asks before it writes: whether the scope is still its own."""

from memoryos_ports.due import DueSet, Lease


class LeaseLost(Exception):
    """Another runner has claimed the scope; what was worked out is not written."""


class Fence:
    """The right to write that a lease gives."""

    def __init__(self, due: DueSet, lease: Lease) -> None:
        self._due = due
        self._lease = lease

    async def check(self) -> None:
        """Return while the lease is held. Raises LeaseLost."""
        if not await self._due.holds(self._lease):
            raise LeaseLost
