"""The sentinels that name a master: all asked at the same time, so that one that hangs costs nothing."""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.exceptions import RedisError

from memoryos_adapters.redis_connections import STUMBLES, no_retry
from memoryos_adapters.settings import RedisSettings
from memoryos_ports.errors import ConfigurationError


def open_sentinels(settings: RedisSettings, options: dict[str, Any]) -> tuple[SentinelConnectionPool, Sentinel]:
    """Return what makes connections to the master, and the sentinels that it asks; nothing is connected yet.

    `options` are those of a connection; its host and port are not looked at. Raises ConfigurationError for an address
    that cannot be read.
    """
    asking = {
        "socket_timeout": settings.connect_timeout_s,
        "socket_connect_timeout": settings.connect_timeout_s,
        "retry": no_retry(),
    }
    addresses = [_host_and_port(each) for each in settings.sentinels]
    sentinels = Sentinels(addresses, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]  # so is redis-py
    secure = options.get("connection_class", Connection) is SSLConnection
    options = {name: value for name, value in options.items() if name not in ("connection_class", "host", "port")}
    options["connection_class"] = SentinelManagedSSLConnection if secure else SentinelManagedConnection
    return SentinelConnectionPool(settings.master, sentinels, **options), sentinels  # type: ignore[no-untyped-call]


class Sentinels(Sentinel):
    """Sentinels of which the first that knows a master in good health is believed."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return host and port of the master. Raises MasterNotFoundError, which says what each sentinel said."""
        asked = [asyncio.create_task(self._ask(sentinel, service_name)) for sentinel in self.sentinels]
        faults: list[str] = []
        try:
            for answered in asyncio.as_completed(asked):
                match await answered:
                    case str(fault):
                        faults.append(fault)
                    case address:
                        return address
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        raise MasterNotFoundError(f"no sentinel knows a master {service_name!r} in good health: {'; '.join(faults)}")

    async def _ask(self, sentinel: Redis, name: str) -> tuple[str, int] | str:
        """Return where a sentinel says that the master is, or what is wrong with the sentinel or with the master."""
        try:
            masters: Any = await sentinel.sentinel_masters()
            state = masters.get(name)
            if state and self.check_master_state(state, name):
                return state["ip"], state["port"]
        except (RedisError, *STUMBLES) as exc:
            return f"sentinel: {type(exc).__name__}: {exc}"
        return "none" if not state else f"{state['ip']}:{state['port']} is {state['flags']}"


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigurationError([f"storage.redis.sentinels: {address!r} is not host:port"])
    return host.strip("[]"), int(port)
