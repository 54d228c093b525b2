"""The one HTTP session of all adapters, and the one place where its failures become errors of our tree."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

import aiohttp

from memoryos_ports.errors import UpstreamProtocolError, UpstreamTimeout, UpstreamUnavailable

_KEEPALIVE_S = 30
_DNS_CACHE_S = 60


@asynccontextmanager
async def open_http() -> AsyncIterator[aiohttp.ClientSession]:
    """Open the session that all providers share; leaving the context closes every connection.

    No bound on connections, no cookies, no proxies from the environment, no time-out of
    its own (each adapter has its provider's). Bodies are asked for uncompressed: a gateway passes them on as they are.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S, ttl_dns_cache=_DNS_CACHE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"user-agent": "memoryos", "accept-encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=None),
    ) as session:
        yield session


def translated(*, upstream: str) -> AbstractContextManager[None]:
    """Return a context that turns what aiohttp, asyncio and the sockets raise into errors of our tree.

    UpstreamTimeout (no answer in time), UpstreamUnavailable (refused, reset, disconnected, no such host, TLS) or
    UpstreamProtocolError (broken HTTP, a body that breaks off), each with its cause and naming `upstream`, but no
    host. Cancellation and our own errors go through. The context may be entered many times, by many tasks.
    """
    return _Translation(upstream)


class _Translation(AbstractContextManager[None]):
    __slots__ = ("_upstream",)

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream

    def __exit__(self, _type: object, exc: BaseException | None, _traceback: object) -> None:
        match exc:
            case None:
                return
            case TimeoutError():
                raise UpstreamTimeout(upstream=self._upstream, detail="no answer in time") from exc
            case aiohttp.ClientConnectorError():
                raise UpstreamUnavailable(upstream=self._upstream, detail="cannot connect") from exc
            case aiohttp.ClientConnectionError() | OSError():
                raise UpstreamUnavailable(upstream=self._upstream, detail="disconnected") from exc
            case aiohttp.ClientError():
                raise UpstreamProtocolError(upstream=self._upstream, detail="broken HTTP") from exc
