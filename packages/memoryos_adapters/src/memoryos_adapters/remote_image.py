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
FETCH_TIMEOUT_S = 10.0
MAX_REDIRECTS = 3

_MEDIA_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_SCHEMES = ("http", "https")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class RemoteImage(msgspec.Struct, frozen=True, kw_only=True):
    """A fetched image: its media type, and its bytes as base64."""

    media_type: str
    data: str


class RemoteImages:
    """Fetches images within bounds of time and size. Enter it before use.

    Every address that a name resolves to must be public, checked at the moment of connecting, so that a name that
    changes its mind in between (DNS rebinding) gains nothing; so must a literal address, after every redirect too.
    Behind a proxy it is the proxy that looks names up, and its rules that hold. No credentials are sent.
    """

    def __init__(self, settings: HttpSettings, *, timeout_s: float = FETCH_TIMEOUT_S) -> None:
        self._settings, self._timeout_s = settings, timeout_s
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        proxy = URL(self._settings.proxy).host if self._settings.proxy else None
        resolver = _PublicResolver(trusted=proxy)
        self._session = await self._stack.enter_async_context(new_session(self._settings, resolver=resolver))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def fetch(self, url: str, *, param: str) -> RemoteImage:
        """Return the image at an http(s) URL. Raises InvalidInput, which names `param`, when it cannot be had."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._fetch(URL(url), param)
        except (aiohttp.ClientError, OSError, ValueError) as exc:  # TimeoutError is an OSError
            raise _refused("the image could not be fetched", param) from exc

    async def _fetch(self, url: URL, param: str) -> RemoteImage:
        for _ in range(MAX_REDIRECTS + 1):
            _check(url, param)
            async with self._session.get(url, allow_redirects=False, **way_out(self._settings, url)) as response:
                if response.status in _REDIRECTS:
                    url = url.join(URL(response.headers.get("location", "")))
                    continue
                return await _read(response, param)
        raise _refused("the image is redirected too often", param)


class _PublicResolver(AbstractResolver):
    """The system's resolver, refusing names that lead elsewhere than to the public internet; `trusted` may."""

    def __init__(self, *, trusted: str | None) -> None:
        self._resolver, self._trusted = aiohttp.ThreadedResolver(), trusted

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)  # type: ignore[arg-type]
        if host != self._trusted and not all(is_public(address["host"]) for address in found):
            raise OSError("the name does not lead to the public internet")
        return found

    async def close(self) -> None:
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


async def _read(response: aiohttp.ClientResponse, param: str) -> RemoteImage:
    if response.status != 200:
        raise _refused("the image could not be fetched", param)
    media_type = response.content_type.lower()
    if media_type not in _MEDIA_TYPES:
        raise _refused("the URL does not lead to a PNG, JPEG, GIF or WebP image", param)
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MAX_IMAGE_BYTES:
            raise _refused("the image is too large", param)
    return RemoteImage(media_type=media_type, data=base64.b64encode(body).decode())


def _refused(message: str, param: str) -> InvalidInput:
    return InvalidInput(message, param=param, code="invalid_image_url")
