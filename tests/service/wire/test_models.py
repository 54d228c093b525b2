"""GET /v1/models and /v1/models/{id}: the SDK's shape, ids with slashes, and no model that the key may not use (M1)."""

from typing import Any

import aiohttp
import pytest
from openai import AsyncOpenAI, NotFoundError

from tests.service.wire.conftest import CHAT
from tests.service.wire.test_requests import HI, chat_body
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway
from tests.support.wire import send

pytestmark = pytest.mark.asyncio(loop_scope="package")

EVERY = ["fast", "m-3", "auto", "m-1", "m-2", "fake/m-1", "fake/m-2", "memoryos/hashed"]
OF_FAKE = ["m-3", "auto", "m-1", "m-2", "fake/m-1", "fake/m-2"]

RIGHTS: list[Any] = [
    pytest.param("sk-any", EVERY, ["fast", "m-1", "open/any/thing", "open/vendor/x"], ["m-9", "nobody/x"], id="any"),
    pytest.param("sk-m-1", ["m-1"], ["m-1"], ["m-2", "fake/m-1", "fast", "auto", "m-9"], id="one name"),
    pytest.param(
        "sk-vendor",
        ["fast"],
        ["fast", "open/vendor/x", "open/vendor/x/y"],
        ["open/swift", "open/vendor", "m-1"],
        id="*",
    ),
    pytest.param("sk-fake", OF_FAKE, OF_FAKE, ["fast", "open/fake/m-1", "m-9"], id="a provider's, by any name"),
]


@pytest.mark.parametrize("path", ["/v1/models", "/models", "/v1/models/"])
async def test_the_list_has_the_shape_of_openai(
    http: aiohttp.ClientSession, gateway: RunningGateway, path: str
) -> None:
    answer = await send(http, "GET", gateway.url + path)
    assert answer.json["object"] == "list"
    cards = [(card["id"], card["object"], card["owned_by"]) for card in answer.json["data"]]
    assert [card["created"] for card in answer.json["data"]] == [0] * len(EVERY)
    owners = ["open", *["fake"] * 6, "memoryos"]
    assert cards == [(name, "model", owner) for name, owner in zip(EVERY, owners, strict=True)]


@pytest.mark.parametrize(("secret", "listed", "allowed", "refused"), RIGHTS)
async def test_a_key_sees_the_models_that_it_may_use(
    keyed_sdk: AsyncOpenAI, secret: str, listed: list[str], allowed: list[str], refused: list[str]
) -> None:
    client = keyed_sdk.with_options(api_key=secret)
    assert [model.id async for model in client.models.list()] == listed
    for name in allowed:
        assert (await client.models.retrieve(name)).id == name
    for name in refused:
        with pytest.raises(NotFoundError) as caught:
            await client.models.retrieve(name)
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
        assert f"The model `{name}` does not exist or you do not have access to it." in caught.value.message


@pytest.mark.parametrize(("secret", "listed", "allowed", "refused"), RIGHTS)
async def test_a_key_chats_with_the_models_that_it_may_use(
    keyed_sdk: AsyncOpenAI,
    upstream: FakeUpstream,
    secret: str,
    listed: list[str],
    allowed: list[str],
    refused: list[str],
) -> None:
    """E4: what the key has no right to is answered as what does not exist."""
    client = keyed_sdk.with_options(api_key=secret)
    for name in {*listed, *allowed} - {"memoryos/hashed"}:  # an embedder does not chat
        assert (await client.chat.completions.create(model=name, messages=HI)).choices
    upstream.forget()
    for name in refused:
        with pytest.raises(NotFoundError, match="does not exist or you do not have access to it"):
            await client.chat.completions.create(model=name, messages=HI)
    assert upstream.requests == []


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models/{}"])
async def test_no_right_and_no_model_read_the_same(
    http: aiohttp.ClientSession, keyed: RunningGateway, path: str
) -> None:
    """E4."""
    told = []
    for name in ("m-2", "m-9"):
        body = chat_body(model=name) if path == CHAT else None
        headers = {"authorization": "Bearer sk-m-1"}
        url = keyed.url + path.format(name)
        answer = await send(http, "POST" if body else "GET", url, body=body, headers=headers)
        told.append((answer.status, str(answer.error).replace(name, "NAME")))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("open/vendor/x", "open/vendor/x"),
        ("open%2Fvendor%2Fx", "open/vendor/x"),
        ("open%2fvendor/x:free", "open/vendor/x:free"),
        ("open/vendor/x%20y", "open/vendor/x y"),
        ("open/vendor%252Fx", "open/vendor%2Fx"),
        ("fake%2Fm-1/", "fake/m-1"),
        ("m-1", "m-1"),
    ],
)
@pytest.mark.parametrize("prefix", ["/v1/models/", "/models/"])
async def test_an_id_may_hold_slashes_encoded_or_not(
    gateway: RunningGateway, http: aiohttp.ClientSession, prefix: str, path: str, name: str
) -> None:
    """The SDK encodes them."""
    answer = await send(http, "GET", f"{gateway.url}{prefix}{path}")
    assert (answer.status, answer.json["id"]) == (200, name)


async def test_a_stranger_is_told_of_no_model(http: aiohttp.ClientSession, keyed: RunningGateway) -> None:
    """E3 before E4."""
    for path in ("/v1/models", "/v1/models/m-1", "/v1/models/m-9"):
        answer = await send(http, "GET", keyed.url + path)
        assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
