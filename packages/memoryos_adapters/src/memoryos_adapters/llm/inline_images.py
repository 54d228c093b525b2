"""Images by URL, fetched and put into the request for providers that take none (wire contract: X4)."""

import msgspec

from memoryos_adapters.http import Http
from memoryos_adapters.llm.data_url import InlineData, is_data_url
from memoryos_adapters.remote_image import RemoteImages
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatRequest, ContentPart, ImageUrl, Message


async def with_inline_images(request: ChatRequest, http: Http) -> ChatRequest:
    """Return the request with every http(s) image of its messages as a data URL; `Message.wire` is left as it was.

    Raises InvalidInput that names the part whose image cannot be had.
    """
    first = _first_remote(request)
    if first is None:
        return request
    if not http.settings.fetch_images:
        raise InvalidInput(
            "images by URL are not supported by this provider: send a data URL", param=first, code="unsupported_value"
        )
    async with RemoteImages(http.settings) as images:
        messages = [await _inlined(message, place, images) for place, message in enumerate(request.messages)]
    return msgspec.structs.replace(request, messages=tuple(messages))


def _first_remote(request: ChatRequest) -> str | None:
    for place, message in enumerate(request.messages):
        for part_place, part in enumerate(_parts(message)):
            if _is_remote(part):
                return _path(place, part_place)
    return None


async def _inlined(message: Message, place: int, images: RemoteImages) -> Message:
    parts = [await _fetched(part, _path(place, part_place), images) for part_place, part in enumerate(_parts(message))]
    return msgspec.structs.replace(message, content=tuple(parts)) if parts else message


async def _fetched(part: ContentPart, path: str, images: RemoteImages) -> ContentPart:
    if part.image_url is None or not _is_remote(part):
        return part
    image = await images.fetch(part.image_url.url, param=path)
    inline = InlineData(media_type=image.media_type, data=image.data)
    return msgspec.structs.replace(part, image_url=ImageUrl(url=inline.url, detail=part.image_url.detail))


def _is_remote(part: ContentPart) -> bool:
    return part.type == "image_url" and part.image_url is not None and not is_data_url(part.image_url.url)


def _parts(message: Message) -> tuple[ContentPart, ...]:
    return message.content if isinstance(message.content, tuple) else ()


def _path(message: int, part: int) -> str:
    return f"messages[{message}].content[{part}].image_url.url"
