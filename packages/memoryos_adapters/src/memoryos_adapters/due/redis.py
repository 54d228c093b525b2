"""The due-set in Redis: of all scopes together, in one slot."""

from datetime import datetime
from typing import Any, Final

import msgspec

from memoryos_adapters.micros import from_micros, to_micros
from memoryos_adapters.redis_database import RedisDatabase, Script
from memoryos_adapters.redis_servers import Argument
from memoryos_ports.clock import Clock
from memoryos_ports.due import Lease
from memoryos_ports.ids import Scope, TenantId, UserId

_SCRIPT = Script.beside(__file__, "redis.lua")
_KEYS: Final = "memoryos:{due}"


class RedisDue:
    """A `DueSet` that all processes share; every call is one command. Their clocks should agree to seconds."""

    def __init__(self, redis: RedisDatabase, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def add(self, scope: Scope, *, at: datetime) -> None:
        """Make a scope due at that moment or earlier; one that is claimed, after its lease."""
        await self._run("add", _name(scope), to_micros(at))

    async def claim(self, *, limit: int, lease_s: float) -> list[Lease]:
        """Return leases on up to `limit` scopes; a lease that ran out counts as due since then."""
        now = to_micros(self._clock.now())
        until = now + round(lease_s * 1e6)
        claimed = await self._run("claim", now, limit, until)
        return [
            Lease(scope=_scope(name), fence=int(fence), until=from_micros(until))
            for name, fence in zip(claimed[::2], claimed[1::2], strict=True)
        ]

    async def holds(self, lease: Lease) -> bool:
        """Return whether nobody has claimed the scope since, even when the lease ran out."""
        fence = await self._redis.execute("HGET", f"{_KEYS}:fences", _name(lease.scope))
        return fence is not None and int(fence) == lease.fence

    async def finish(self, lease: Lease, *, again_at: datetime | None = None) -> None:
        """Give a lease back; a scope that is due at no time any more is dropped."""
        await self._run("finish", _name(lease.scope), lease.fence, to_micros(again_at) if again_at else "")

    async def erase(self, scope: Scope) -> None:
        """Forget a scope and the lease on it."""
        await self._run("erase", _name(scope))

    async def ping(self) -> None:
        """Return when the server answers."""
        await self._redis.ping()

    async def _run(self, command: str, *args: Argument) -> Any:
        return await self._redis.run(_SCRIPT, keys=[_KEYS], args=[command, *args], durable=True)


def _name(scope: Scope) -> bytes:
    """Return the name of a scope in the set: two that differ have different ones."""
    return msgspec.json.encode((scope.tenant_id, scope.user_id))


def _scope(name: bytes) -> Scope:
    tenant_id, user_id = msgspec.json.decode(name, type=tuple[TenantId, UserId])
    return Scope(tenant_id=tenant_id, user_id=user_id)
