"""Images by URL are put into the request, where they stood, and everything else stays as it was (X4)."""

import base64

import msgspec
import pytest

from memoryos_adapters.http import open_http
from memoryos_adapters.llm.inline_images import with_inline_images
from memoryos_adapters.settings import HttpSettings
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatRequest, ContentPart, ImageUrl, Message
from tests.unit.adapters.little_servers import answering, http_answer

PNG = b"\x89PNG\r\n\x1a\n"
DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
TEXT = ContentPart(type="text", text="What is this?")
WIRE = msgspec.Raw(b'{"role":"user"}')


def image(url: str, *, detail: str | None = None) -> ContentPart:
    """Return a part that is an image."""
    return ContentPart(type="image_url", image_url=ImageUrl(url=url, detail=detail))


def request_of(*messages: Message) -> ChatRequest:
    """Return a request with these messages."""
    return ChatRequest(model="m", messages=messages, params={"x": msgspec.Raw(b"1")}, owner="ada")


async def test_images_stand_where_their_urls_stood() -> None:
    request = request_of(
        Message(role="system", content="Be brief."),
        Message(role="user", content=(TEXT, image("http://images.example/a.png", detail="low"), TEXT), wire=WIRE),
        Message(role="assistant", content=None),
        Message(role="user", content=(image(DATA_URL), image("http://images.example/a.png"))),
    )

    async with (
        answering(lambda _: http_answer(PNG, media_type="image/png")) as proxy,
        open_http(HttpSettings(proxy=proxy.url)) as http,
    ):
        inlined = await with_inline_images(request, http)

    assert inlined == msgspec.structs.replace(
        request,
        messages=(
            request.messages[0],
            Message(role="user", content=(TEXT, image(DATA_URL, detail="low"), TEXT), wire=WIRE),
            request.messages[2],
            Message(role="user", content=(image(DATA_URL), image(DATA_URL))),
        ),
    )
    assert len(proxy.asked) == 1


async def test_data_that_are_here_already_are_not_read_to_find_what_is_not() -> None:
    """Whoever puts them into the wire reads them, and refuses what is no base64."""
    broken = image("data:image/png;base64,!")
    request = request_of(Message(role="user", content=(broken, image("http://images.example/a.png"))))

    async with (
        answering(lambda _: http_answer(PNG, media_type="image/png")) as proxy,
        open_http(HttpSettings(proxy=proxy.url)) as http,
    ):
        inlined = await with_inline_images(request, http)

    assert inlined.messages == (Message(role="user", content=(broken, image(DATA_URL))),)


async def test_a_request_without_urls_is_the_same_one() -> None:
    request = request_of(Message(role="user", content="Hi"), Message(role="user", content=(TEXT, image(DATA_URL))))

    async with open_http() as http:
        assert await with_inline_images(request, http) is request


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "ftp://images.example/", "data:image/png,AAAA", ""])
async def test_an_image_that_cannot_be_had_is_named_by_its_path(url: str) -> None:
    request = request_of(Message(role="user", content="Hi"), Message(role="user", content=(TEXT, image(url))))

    async with open_http() as http:
        with pytest.raises(InvalidInput) as caught:
            await with_inline_images(request, http)

    assert caught.value.param == "messages[1].content[1].image_url.url"


async def test_nothing_is_fetched_when_the_configuration_forbids_it() -> None:
    request = request_of(Message(role="user", content=(TEXT, image("http://images.example/a.png"))))

    async with (
        answering(lambda _: http_answer(PNG, media_type="image/png")) as proxy,
        open_http(HttpSettings(proxy=proxy.url, fetch_images=False)) as http,
    ):
        with pytest.raises(InvalidInput) as caught:
            await with_inline_images(request, http)

    assert (caught.value.param, caught.value.code) == ("messages[0].content[1].image_url.url", "unsupported_value")
    assert proxy.asked == []
