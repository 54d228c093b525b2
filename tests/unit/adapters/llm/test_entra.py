"""A token of Entra is fetched once, renewed in time, and never shown."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from msgspec.structs import replace

from memoryos_adapters.http import open_http
from memoryos_adapters.llm.azure_openai.entra import SCOPE, EntraToken
from memoryos_adapters.llm.call import Provider
from memoryos_adapters.settings import EntraSettings, LlmProviderSettings, Secret
from memoryos_ports.errors import (
    MemoryOSError,
    RateLimited,
    UpstreamAuthError,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

SECRET = "a-secret-that-must-not-leak"


class Watch:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now_s


@pytest.fixture
async def entra() -> AsyncIterator[FakeUpstream]:
    """A fake Entra that grants ``token`` for an hour unless told otherwise."""
    async with FakeUpstream() as entra:
        entra.always = granted("token")
        yield entra


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """How the provider is called: it gives up after a second."""
    async with open_http() as http:
        yield Provider("azure", LlmProviderSettings(kind="azure_openai", total_timeout_s=1), http)


@pytest.fixture
def watch() -> Watch:
    """The clock of the token."""
    return Watch()


@pytest.fixture
def token(entra: FakeUpstream, provider: Provider, watch: Watch) -> EntraToken:
    """A token that nobody asked for yet."""
    return EntraToken(settings_for(entra), provider, monotonic=watch)


def settings_for(entra: FakeUpstream) -> EntraSettings:
    """Return an application whose authority is the fake."""
    return EntraSettings(
        tenant_id="contoso", client_id="app", client_secret=Secret(SECRET), authority=f"{entra.root_url}/"
    )


def granted(token: str, *, expires_in: Any = 3600) -> Reply:
    """Return what Entra grants."""
    return Reply.json({"token_type": "Bearer", "expires_in": expires_in, "access_token": token})


async def test_the_client_credentials_are_sent_as_a_form(token: EntraToken, entra: FakeUpstream) -> None:
    assert await token.bearer() == "token"

    (received,) = entra.requests
    assert (received.method, received.path) == ("POST", "/contoso/oauth2/v2.0/token")
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(received.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["app"],
        "client_secret": [SECRET],
        "scope": [SCOPE],
    }


async def test_a_token_is_kept_until_five_minutes_before_its_end(
    token: EntraToken, entra: FakeUpstream, watch: Watch
) -> None:
    entra.next(granted("first"), granted("second"))

    assert await token.bearer() == "first"
    watch.now_s += 3600 - 301
    assert await token.bearer() == "first"
    watch.now_s += 1
    assert await token.bearer() == "second"
    assert len(entra.requests) == 2


async def test_a_short_life_is_used_to_its_half(token: EntraToken, entra: FakeUpstream, watch: Watch) -> None:
    entra.next(granted("first", expires_in="100"), granted("second"))

    assert await token.bearer() == "first"
    watch.now_s += 49
    assert await token.bearer() == "first"
    watch.now_s += 1
    assert await token.bearer() == "second"


async def test_many_tasks_share_one_fetch(token: EntraToken, entra: FakeUpstream) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(token.bearer()) for _ in range(20)]

    assert {task.result() for task in tasks} == {"token"}
    assert len(entra.requests) == 1


async def test_a_cancelled_fetch_leaves_the_next_to_another_task(token: EntraToken, entra: FakeUpstream) -> None:
    entra.next(Reply.hang())
    first = asyncio.create_task(token.bearer())

    async with asyncio.timeout(5):
        await entra.next_request()
        second = asyncio.create_task(token.bearer())
        first.cancel()
        assert await second == "token"


async def test_a_refused_token_is_fetched_again(token: EntraToken, entra: FakeUpstream) -> None:
    entra.next(granted("first"), granted("second"))

    assert await token.bearer() == "first"
    token.refused()
    assert await token.bearer() == "second"


async def test_a_token_that_is_always_refused_is_fetched_once_a_minute(
    token: EntraToken, entra: FakeUpstream, watch: Watch
) -> None:
    for _ in range(5):
        await token.bearer()
        token.refused()
    assert len(entra.requests) == 2

    watch.now_s += 60
    token.refused()
    await token.bearer()
    assert len(entra.requests) == 3


_NO_SUCH_SECRET = {"error": "invalid_client", "error_description": f"AADSTS7000215: {SECRET} of tenant contoso"}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(Reply.json(_NO_SUCH_SECRET, status=401), UpstreamAuthError, id="a wrong secret"),
        pytest.param(Reply.json({"error": "invalid_request"}, status=400), UpstreamAuthError, id="no such tenant"),
        pytest.param(Reply.json({"error": f"<{SECRET}>"}, status=400), UpstreamAuthError, id="no word"),
        pytest.param(Reply.page(status=403), UpstreamAuthError, id="a page"),
        pytest.param(Reply.json({}, status=429, headers={"retry-after": "7"}), RateLimited, id="too many"),
        pytest.param(Reply.page(status=503), UpstreamUnavailable, id="down"),
        pytest.param(Reply.json({}, status=307, headers={"location": "/elsewhere"}), UpstreamProtocolError, id="moved"),
        pytest.param(Reply.json({"token_type": "Bearer"}), UpstreamProtocolError, id="no token"),
        pytest.param(Reply.page(b"<html>", status=200), UpstreamProtocolError, id="a page under a 200"),
        pytest.param(Reply.reset(), UpstreamUnavailable, id="reset"),
        pytest.param(Reply.hang(), UpstreamTimeout, id="no answer"),
    ],
)
async def test_no_token_is_an_error_of_our_tree_that_tells_no_secret(
    token: EntraToken, entra: FakeUpstream, reply: Reply, expected: type[MemoryOSError]
) -> None:
    entra.next(reply)

    with pytest.raises(expected) as caught:
        await token.bearer()

    assert type(caught.value) is expected
    assert SECRET not in f"{caught.value!s} {vars(caught.value)}"
    assert "contoso" not in str(caught.value)
    assert await token.bearer() == "token"


async def test_the_word_of_a_refusal_is_told(token: EntraToken, entra: FakeUpstream) -> None:
    entra.next(Reply.json(_NO_SUCH_SECRET, status=401))

    with pytest.raises(UpstreamAuthError, match=r"Entra refused the application: invalid_client$"):
        await token.bearer()


async def test_how_long_to_wait_is_told(token: EntraToken, entra: FakeUpstream) -> None:
    entra.next(Reply.json({}, status=429, headers={"retry-after": "7"}))

    with pytest.raises(RateLimited) as caught:
        await token.bearer()
    assert caught.value.retry_after_s == 7


async def test_waiting_for_another_tasks_fetch_has_its_bound_as_well(
    entra: FakeUpstream, provider: Provider, watch: Watch
) -> None:
    provider = Provider("azure", replace(provider.settings, total_timeout_s=0.2), provider.http)
    token = EntraToken(settings_for(entra), provider, monotonic=watch)
    entra.always = Reply.hang()

    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*(token.bearer() for _ in range(20)), return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {UpstreamTimeout}
