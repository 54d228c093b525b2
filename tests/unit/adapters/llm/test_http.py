"""Foreign failures become errors of our tree at one place, with their cause and without a host's name."""

import asyncio
import errno

import aiohttp
import pytest
from yarl import URL

from memoryos_adapters.http import translated
from memoryos_ports.errors import (
    InvalidInput,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_REQUEST = aiohttp.RequestInfo(URL("http://llm.internal"), "POST", None, URL("http://llm.internal"))  # type: ignore[arg-type] # the headers do not matter


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        (TimeoutError(), UpstreamTimeout),
        (aiohttp.ServerTimeoutError("llm.internal"), UpstreamTimeout),
        (aiohttp.ConnectionTimeoutError("llm.internal"), UpstreamTimeout),
        (aiohttp.ServerDisconnectedError(), UpstreamUnavailable),
        (aiohttp.ClientOSError(errno.ECONNRESET, "llm.internal"), UpstreamUnavailable),
        (ConnectionRefusedError(errno.ECONNREFUSED, "llm.internal"), UpstreamUnavailable),
        (OSError("llm.internal"), UpstreamUnavailable),
        (aiohttp.ClientPayloadError("llm.internal"), UpstreamProtocolError),
        (aiohttp.ClientResponseError(_REQUEST, ()), UpstreamProtocolError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_a_foreign_failure_is_translated(foreign: Exception, expected: type[UpstreamError]) -> None:
    with pytest.raises(UpstreamError) as caught, translated(upstream="server"):
        raise foreign

    assert type(caught.value) is expected
    assert caught.value.upstream == "server"
    assert caught.value.__cause__ is foreign
    assert "internal" not in str(caught.value)


@pytest.mark.parametrize("own", [asyncio.CancelledError(), InvalidInput("no"), ZeroDivisionError()])
def test_everything_else_goes_through(own: BaseException) -> None:
    with pytest.raises(type(own)) as caught, translated(upstream="server"):
        raise own

    assert caught.value is own
