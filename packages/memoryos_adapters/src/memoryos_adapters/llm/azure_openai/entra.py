"""Tokens of Microsoft Entra, which Azure takes in the place of a key (wire contract: AZ2)."""

import asyncio
import re
import time
from collections.abc import Callable
from math import inf
from urllib.parse import urlencode

import msgspec
from yarl import URL

from memoryos_adapters.llm.call import MAX_ERROR_BYTES, Provider, UpstreamCall
from memoryos_adapters.llm.refusals import ErrorTable, Refusal
from memoryos_adapters.settings import EntraSettings
from memoryos_ports.errors import MemoryOSError, UpstreamAuthError, UpstreamProtocolError

SCOPE = "https://cognitiveservices.azure.com/.default"

_FETCH_S = 10
_EARLY_S = 300  # as Microsoft's own libraries do
_BETWEEN_REFUSALS_S = 60
_PASSING = (408, 429)
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_WORD = re.compile(r"[a-z_]{1,40}")


class _Grant(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float


class _Denial(msgspec.Struct, frozen=True):
    error: str = ""


class EntraToken:
    """The token of one application: fetched when it is first needed, kept, and fetched anew before it expires.

    Client credentials flow of the Microsoft identity platform, v2.0. Many tasks may ask at once: one of them fetches,
    the others wait for it. `monotonic` tells seconds from an arbitrary start.
    """

    def __init__(
        self, settings: EntraSettings, provider: Provider, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider, self._monotonic = provider, monotonic
        self._url = URL(f"{settings.authority.rstrip('/')}/{settings.tenant_id}/oauth2/v2.0/token")
        self._form = urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": settings.client_id,
                "client_secret": settings.client_secret.reveal() if settings.client_secret is not None else "",
                "scope": SCOPE,
            }
        ).encode()
        self._turn = asyncio.Lock()
        self._token, self._renew_at, self._refused_at = "", -inf, -inf

    async def bearer(self) -> str:
        """Return a token that has some life left.

        Raises UpstreamAuthError when Entra refuses the application, else what a provider's failure raises.
        """
        with self._provider.translated:
            async with asyncio.timeout(min(_FETCH_S, self._provider.settings.total_timeout_s)), self._turn:
                if self._monotonic() >= self._renew_at:
                    await self._fetch()
                return self._token

    def refused(self) -> None:
        """Take note that Azure refused the token (401): the next one who asks gets another.

        At most once a minute, since an application without the right role is refused with every token.
        """
        now = self._monotonic()
        if now - self._refused_at >= _BETWEEN_REFUSALS_S:
            self._refused_at, self._renew_at = now, -inf

    async def _fetch(self) -> None:
        asked_at = self._monotonic()
        async with self._provider.post(self._url, headers=_FORM, body=self._form, stream=False) as call:
            body = await call.read_head(MAX_ERROR_BYTES)
        if call.status != 200:
            raise self._error_of(call, body)
        try:
            grant = msgspec.json.decode(body, type=_Grant, strict=False)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise UpstreamProtocolError(upstream=self._provider.name, detail="Entra gave no token") from exc
        self._token = grant.access_token
        self._renew_at = asked_at + max(grant.expires_in - _EARLY_S, grant.expires_in / 2)

    def _error_of(self, call: UpstreamCall, body: bytes) -> MemoryOSError:
        if 400 <= call.status < 500 and call.status not in _PASSING:
            return UpstreamAuthError(upstream=self._provider.name, detail=f"Entra refused the application{_why(body)}")
        table = ErrorTable(upstream=self._provider.name, hidden=())
        return table.error_of(Refusal(), status=call.status, model="", headers=call.headers)


def _why(body: bytes) -> str:
    """Return the word for it (``invalid_client``); the description names the tenant and is left out."""
    try:
        word = msgspec.json.decode(body, type=_Denial).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return f": {word}" if _WORD.fullmatch(word) else ""
