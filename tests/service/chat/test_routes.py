"""Which provider and model answer for a name, and what a name that nobody serves gets."""

import pytest
from openai import AsyncOpenAI, NotFoundError

from tests.service.chat.person import Person
from tests.support.fake_upstream import FakeUpstream

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize(
    ("asked", "route", "sent"),
    [
        ("fast", "default/open/vendor/swift", "vendor/swift"),
        ("fake/m-2", "default/fake/m-2", "m-2"),
        ("open/anything/at:all", "default/open/anything/at:all", "anything/at:all"),
        ("m-2", "default/fake/m-2", "m-2"),
        ("auto", "default/fake/m-1", "m-1"),
    ],
    ids=["alias", "provider and model", "provider and a model with slashes", "bare", "auto"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_name_is_served_by_its_model(
    person: Person, upstream: FakeUpstream, asked: str, route: str, sent: str, stream: bool
) -> None:
    answer = await person.chat("Hi", model=asked, stream=stream)
    assert answer.headers["x-memoryos-route"] == route
    assert answer.headers["x-memoryos-tries"] == "1"
    assert upstream.requests[0].json["model"] == sent
    assert upstream.requests[0].path == "/v1/chat/completions"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_model_name_cannot_write_headers(person: Person, upstream: FakeUpstream, stream: bool) -> None:
    answer = await person.chat("Hi", model="open/a\r\nx-evil: 1é", stream=stream)
    assert answer.status == 200
    assert answer.headers["x-memoryos-route"] == "default/open/a%0D%0Ax-evil:%201%C3%A9"
    assert "x-evil" not in answer.headers
    assert upstream.requests[0].json["model"] == "a\r\nx-evil: 1é"


@pytest.mark.parametrize("asked", ["m-3", "fake/m-3", "nobody/m-1", "open/", "/m-1", "FAKE/m-1"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_name_that_nobody_serves_is_not_found(
    person: Person, upstream: FakeUpstream, asked: str, stream: bool
) -> None:
    answer = await person.chat("Hi", model=asked, stream=stream)
    assert answer.status == 404
    assert answer.error == {
        "message": f"The model `{asked}` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
    assert upstream.requests == []
    assert await person.remembered() == []


async def test_the_sdk_raises_not_found(sdk: AsyncOpenAI) -> None:
    with pytest.raises(
        NotFoundError, match=r"^Error code: 404 - .*The model `m-3` does not exist or you do not have access to it\."
    ) as caught:
        await sdk.chat.completions.create(model="m-3", messages=[{"role": "user", "content": "Hi"}])
    assert caught.value.code == "model_not_found"
    assert caught.value.request_id


async def test_the_sdk_lists_and_looks_up_models(sdk: AsyncOpenAI) -> None:
    names = [model.id async for model in sdk.models.list()]
    assert names == ["fast", "auto", "m-1", "m-2", "fake/m-1", "fake/m-2", "memoryos/hashed"]
    for name, owner in [("fast", "open"), ("m-1", "fake"), ("fake/m-2", "fake"), ("open/a/b", "open")]:
        model = await sdk.models.retrieve(name)
        assert (model.id, model.owned_by, model.object) == (name, owner, "model")
    with pytest.raises(NotFoundError) as caught:
        await sdk.models.retrieve("m-3")
    assert caught.value.code == "model_not_found"
