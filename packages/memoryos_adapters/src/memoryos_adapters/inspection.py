"""What an operator should know of a server, beyond that it answers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from memoryos_adapters.settings import RedisSettings
from memoryos_ports.errors import UpstreamError, UpstreamProtocolError

if TYPE_CHECKING:
    from memoryos_adapters.redis_database import RedisDatabase

_DURABLE: Mapping[str, str] = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
"""How Redis must be set for nothing acknowledged to be lost."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `ok` False stops nothing, but what is said there does not hold as it is."""

    check: str
    ok: bool
    detail: str


async def inspect_redis(redis: "RedisDatabase", settings: RedisSettings) -> list[Remark]:
    """Return what was found out about a Redis: its version, how durable it is, and its replicas where they matter."""
    try:
        info = _read_info(await redis.execute("INFO"))
        remarks = [Remark(check="redis version", ok=True, detail=info.get("redis_version", "unknown"))]
        remarks.append(await _durability(redis))
    except UpstreamError as exc:
        return [Remark(check="redis durability", ok=False, detail=f"cannot be asked: {exc}")]
    if settings.wait_replicas:
        remarks.append(_replicas(info, wanted=settings.wait_replicas))
    return remarks


async def _durability(redis: "RedisDatabase") -> Remark:
    check = "redis durability"
    try:
        answers = await redis.pipeline([("CONFIG", "GET", name) for name in _DURABLE])
    except UpstreamProtocolError as exc:  # servers that others run refuse to tell
        return Remark(check=check, ok=False, detail=f"cannot be asked: {exc}")
    found = {name: answer[1].decode() if answer else "unknown" for name, answer in zip(_DURABLE, answers, strict=True)}
    told = ", ".join(f"{name} {value}" for name, value in found.items())
    wanted = ", ".join(f"{name} {value}" for name, value in _DURABLE.items() if found[name] != value)
    if not wanted:
        return Remark(check=check, ok=True, detail=told)
    return Remark(check=check, ok=False, detail=f"{told}; what is acknowledged can be lost without {wanted}")


def _replicas(info: Mapping[str, str], *, wanted: int) -> Remark:
    connected = int(info.get("connected_slaves", 0))
    detail = f"{connected} connected, storage.redis.wait_replicas is {wanted}"
    return Remark(check="redis replicas", ok=connected >= wanted, detail=detail)


def _read_info(answer: bytes) -> dict[str, str]:
    """Return the fields of what ``INFO`` says: ``name:value`` on lines, headings between them."""
    pairs: Sequence[tuple[str, str, str]] = [line.partition(":") for line in answer.decode().splitlines()]
    return {name: value for name, colon, value in pairs if colon}
