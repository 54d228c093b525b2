"""Outgoing HTTP of all adapters: the session, the way out (proxy, authorities), and where its failures become ours."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from yarl import URL

from memoryos_adapters.network import is_loopback, is_within
from memoryos_adapters.settings import HttpSettings
from memoryos_ports.errors import ConfigurationError, UpstreamProtocolError, UpstreamTimeout, UpstreamUnavailable

_KEEPALIVE_S = 30
_DNS_CACHE_S = 60

DIRECT = HttpSettings()


class Http(msgspec.Struct, frozen=True, kw_only=True):
    """An open session and how to leave the house with it."""

    session: aiohttp.ClientSession
    settings: HttpSettings = DIRECT

    def way_to(self, url: URL) -> dict[str, Any]:
        """Return the keywords of a request to `url`: the proxy, where one is configured and the host needs it."""
        return way_out(self.settings, url)


@asynccontextmanager
async def open_http(settings: HttpSettings = DIRECT) -> AsyncIterator[Http]:
    """Open the session that all providers share; leaving the context closes every connection.

    No bound on connections, no cookies, no proxies but the configured one, no time-out of its own (each adapter has
    its provider's). Bodies are asked for uncompressed: a gateway passes them on as they are.
    Raises ConfigurationError when the file of authorities cannot be read.
    """
    async with AsyncExitStack() as stack:
        yield Http(session=await stack.enter_async_context(new_session(settings)), settings=settings)


def new_session(settings: HttpSettings, *, resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """Return a session to be entered; `resolver` finds the addresses of hosts in the place of the system's."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=_KEEPALIVE_S,
            ttl_dns_cache=_DNS_CACHE_S,
            resolver=resolver,
            ssl=_authorities(settings),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"user-agent": "memoryos", "accept-encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=None),
    )


def way_out(settings: HttpSettings, url: URL) -> dict[str, Any]:
    """Return aiohttp's keywords for a request to `url`: which proxy it takes, if any."""
    host = url.host or ""
    if settings.proxy is None or is_loopback(host) or _is_direct(host, settings.no_proxy):
        return {}
    proxy = URL(settings.proxy)
    if proxy.user is None:
        return {"proxy": proxy}
    password = settings.proxy_password.reveal() if settings.proxy_password is not None else ""
    credentials = aiohttp.encode_basic_auth(proxy.user, password)
    # aiohttp sends it as `proxy-authorization`: with CONNECT, or with the request when there is no tunnel
    return {"proxy": proxy.with_user(None), "proxy_headers": {"authorization": credentials}}


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
            case aiohttp.ClientConnectorCertificateError():
                raise UpstreamUnavailable(upstream=self._upstream, detail="its certificate is not trusted") from exc
            case aiohttp.ClientConnectorError() | aiohttp.ClientHttpProxyError():
                raise UpstreamUnavailable(upstream=self._upstream, detail="cannot connect") from exc
            case aiohttp.ClientConnectionError() | OSError():
                raise UpstreamUnavailable(upstream=self._upstream, detail="disconnected") from exc
            case aiohttp.ClientError():
                raise UpstreamProtocolError(upstream=self._upstream, detail="broken HTTP") from exc


def _is_direct(host: str, no_proxy: Sequence[str]) -> bool:
    return any(is_within(host, name) for name in no_proxy)


def _authorities(settings: HttpSettings) -> ssl.SSLContext | bool:
    if settings.ca_file is None:
        return True
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(settings.ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigurationError([f"http.ca_file: cannot be read as PEM: {exc.strerror or exc}"]) from exc
    return context
