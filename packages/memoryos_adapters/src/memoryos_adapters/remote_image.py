"""Images fetched from the public internet on a client's word, and from nowhere else."""

import asyncio
import base64
from contextlib import AsyncExitStack
from typing import Self

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from memoryos_adapters.http import new_session, way_out
from memoryos_adapters.network import is_public
from memoryos_adapters.settings import HttpSettings
from memoryos_ports.errors import InvalidInput

MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_TOTAL_BYTES = 50 * 1024 * 1024
FETCH_TIMEOUT_S = 10.0
TOTAL_TIMEOUT_S = 30.0
MAX_REDIRECTS = 3
MAX_URL_CHARACTERS = 8192

_MEDIA_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_SCHEMES = ("http", "https")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class RemoteImage(msgspec.Struct, frozen=True, kw_only=True):
    """A fetched image: its media type, and its bytes as base64."""

    media_type: str
    data: str


class ImageBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be fetched, and how long that may take: one image, and all of a request together."""

    max_bytes: int = MAX_IMAGE_BYTES
    max_total_bytes: int = MAX_TOTAL_BYTES
    timeout_s: float = FETCH_TIMEOUT_S
    total_timeout_s: float = TOTAL_TIMEOUT_S


class RemoteImages:
    """Fetches the images of one request within bounds of time and size, each URL once. Enter it before use.

    Every address that a name resolves to must be public, checked at the moment of connecting, so that a name that
    changes its mind in between (DNS rebinding) gains nothing; so must a literal address, after every redirect too.
    Behind a proxy it is the proxy that looks names up, and its rules that hold. No credentials are sent but the
    proxy's own. `resolver` finds addresses in the place of the system's.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        bounds: ImageBounds = ImageBounds(),  # noqa: B008 - a frozen value
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._settings, self._bounds, self._resolver = settings, bounds, resolver
        self._proxy_host = URL(settings.proxy).host if settings.proxy else None
        self._fetched: dict[str, RemoteImage] = {}
        self._left_bytes = bounds.max_total_bytes
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        resolver = PublicResolver(self._resolver or aiohttp.ThreadedResolver(), trusted=self._proxy_host)
        self._session = await self._stack.enter_async_context(new_session(self._settings, resolver=resolver))
        self._end_by = asyncio.get_running_loop().time() + self._bounds.total_timeout_s
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def fetch(self, url: str, *, param: str) -> RemoteImage:
        """Return the image at an http(s) URL. Raises InvalidInput, which names `param`, when it cannot be had."""
        if (known := self._fetched.get(url)) is not None:
            return known
        if len(url) > MAX_URL_CHARACTERS:
            raise _refused("the URL of the image is too long, or no base64 data URL", param)
        try:
            async with asyncio.timeout_at(self._deadline()):
                image = await self._fetch(URL(url), param)
        except (aiohttp.ClientError, OSError, ValueError) as exc:  # TimeoutError is an OSError
            raise _refused("the image could not be fetched", param) from exc
        self._fetched[url] = image
        return image

    def _deadline(self) -> float:
        return min(self._end_by, asyncio.get_running_loop().time() + self._bounds.timeout_s)

    async def _fetch(self, url: URL, param: str) -> RemoteImage:
        for _ in range(MAX_REDIRECTS + 1):
            _check(url, param)
            way = way_out(self._settings, url)
            if not way and url.host == self._proxy_host:
                raise _refused("the image could not be fetched", param)  # its name is trusted, but for proxying only
            async with self._session.get(url, allow_redirects=False, **way) as response:
                if response.status in _REDIRECTS:
                    url = url.join(URL(response.headers.get("location", "")))
                    continue
                return await self._read(response, param)
        raise _refused("the image is redirected too often", param)

    async def _read(self, response: aiohttp.ClientResponse, param: str) -> RemoteImage:
        if response.status != 200:
            raise _refused("the image could not be fetched", param)
        media_type = response.content_type.lower()
        if media_type not in _MEDIA_TYPES:
            raise _refused("the URL does not lead to a PNG, JPEG, GIF or WebP image", param)
        body, max_bytes = bytearray(), min(self._bounds.max_bytes, self._left_bytes)
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > max_bytes:
                raise _refused("the image is too large", param)
        self._left_bytes -= len(body)
        return RemoteImage(media_type=media_type, data=base64.b64encode(body).decode())


class PublicResolver(AbstractResolver):
    """A resolver that refuses names which lead elsewhere than to the public internet; `trusted` may."""

    def __init__(self, resolver: AbstractResolver, *, trusted: str | None = None) -> None:
        self._resolver, self._trusted = resolver, trusted

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """Return the addresses of a host. Raises OSError when one of them is not public."""
        found = await self._resolver.resolve(host, port, family)  # type: ignore[arg-type] # an enumeration of ints
        if host != self._trusted and not all(is_public(address["host"]) for address in found):
            raise OSError("the name does not lead to the public internet")
        return found

    async def close(self) -> None:
        """Close what looks names up."""
        await self._resolver.close()


def _check(url: URL, param: str) -> None:
    if url.scheme not in _SCHEMES or not url.host:
        raise _refused("the image must be an http(s) or data URL", param)
    if url.user or url.password:
        raise _refused("the URL of an image must not hold credentials", param)
    if _is_address(url.host) and not is_public(url.host):
        raise _refused("the image could not be fetched", param)  # the same words: what is inside is not told


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _refused(message: str, param: str) -> InvalidInput:
    return InvalidInput(message, param=param, code="invalid_image_url")
