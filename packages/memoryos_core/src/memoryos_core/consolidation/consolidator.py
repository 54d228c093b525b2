"""Consolidation of one scope at a time: sorting, promotion, forgetting."""

from collections import Counter
from datetime import datetime, timedelta

from loguru import logger

from memoryos_core.consolidation.fence import Fence, LeaseLost
from memoryos_core.consolidation.forgetting import Forgetting
from memoryos_core.consolidation.promotion import Promoter
from memoryos_core.consolidation.sorting import Sorter
from memoryos_ports.clock import Clock
from memoryos_ports.due import DueSet, Lease
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.ids import Scope

LEASE_S = 300.0
RETRY_S = 60.0
MAX_RETRY_S = 3600.0
TIDY_EVERY = timedelta(days=1)


class Consolidator:
    """Works on scopes that are due, in bounded portions, so that each has its turn.

    Whatever fails changes nothing of what was known, and is tried again: after a minute, then twice as long each
    time, up to an hour.
    """

    def __init__(
        self, *, due: DueSet, sorter: Sorter, promoter: Promoter, forgetting: Forgetting, clock: Clock
    ) -> None:
        self._due = due
        self._sorter = sorter
        self._promoter = promoter
        self._forgetting = forgetting
        self._clock = clock
        self._failures: Counter[Scope] = Counter()

    async def claim(self, *, limit: int) -> list[Lease]:
        """Return leases on scopes that are due. Raises what the due-set raises."""
        return list(await self._due.claim(limit=limit, lease_s=LEASE_S))

    async def work(self, lease: Lease) -> None:
        """Do a portion of what a scope needs and give the lease back; raises only what the due-set raises."""
        try:
            again_at = await self._consolidate(lease.scope, Fence(self._due, lease))
        except LeaseLost:
            return
        except MemoryOSError as exc:
            logger.bind(user_id=lease.scope.user_id, error=str(exc)).warning("consolidation put off")
            again_at = self._later(lease.scope)
        await self._due.finish(lease, again_at=again_at)

    async def give_back(self, lease: Lease) -> None:
        """Give a scope back whose work was broken off: it is due at once, for somebody else."""
        await self._due.finish(lease, again_at=self._clock.now())

    async def put_off(self, lease: Lease) -> None:
        """Give a lease back whose scope made work fail in a way that nobody foresaw."""
        await self._due.finish(lease, again_at=self._later(lease.scope))

    async def _consolidate(self, scope: Scope, fence: Fence) -> datetime | None:
        """Return when the scope wants to be worked on again, None: when something new is noted."""
        if await self._sorter.sort(scope, fence):
            return self._clock.now()
        promoted = await self._promoter.promote(scope, fence)
        if promoted.refused:
            return self._later(scope)
        del self._failures[scope]
        if promoted.more:
            return self._clock.now()
        await self._forgetting.tidy(scope, fence)
        return self._clock.now() + TIDY_EVERY if self._forgetting.is_timed else None

    def _later(self, scope: Scope) -> datetime:
        self._failures[scope] += 1
        rest_s = min(MAX_RETRY_S, RETRY_S * 2 ** min(self._failures[scope] - 1, 10))
        return self._clock.now() + timedelta(seconds=rest_s)
