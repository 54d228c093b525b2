"""The parts of a message as Gemini has them: texts, and files inside the request or by URI (wire contract: GE13)."""

import mimetypes
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.chat_params import unsupported
from memoryos_adapters.llm.data_url import read_data_url
from memoryos_adapters.llm.gemini.model import GeminiModel
from memoryos_adapters.llm.gemini.wire import Blob, FileData, Part
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatRequest, ContentPart

_T = TypeVar("_T")

_OWN_URIS = (
    "gs://",
    "https://generativelanguage.googleapis.com/",
    "https://www.youtube.com/",
    "https://youtu.be/",
)
_FETCHED_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})


class _Audio(msgspec.Struct, frozen=True):
    data: str
    format: str


class _File(msgspec.Struct, frozen=True):
    file_data: str | None = None
    file_id: str | None = None
    format: str | None = None


def with_files_by_uri(request: ChatRequest, model: GeminiModel) -> ChatRequest:
    """Return the request with images that the provider gets at itself as files by URI, which nobody here fetches.

    These are its own files, and public https URLs that tell their type. What else was said of the image stays.
    """
    messages = tuple(
        replace(message, content=tuple(_by_uri(part, model) for part in message.content))
        if isinstance(message.content, tuple)
        else message
        for message in request.messages
    )
    return replace(request, messages=messages)


def read_parts(content: str | tuple[ContentPart, ...] | None, *, param: str) -> list[Part]:
    """Return the parts of a message's content; empty texts, which Gemini refuses, are left out.

    Raises InvalidInput that names a part which cannot be said.
    """
    if not isinstance(content, tuple):
        return [Part(text=content)] if content else []
    parts = [_part(part, f"{param}[{place}]") for place, part in enumerate(content)]
    return [part for part in parts if part.text != ""]


def read_texts(content: str | tuple[ContentPart, ...] | None, *, param: str) -> list[Part]:
    """Return the parts of a content that can hold texts only, as `read_parts` does."""
    parts = read_parts(content, param=param)
    if any(part.text is None for part in parts):
        raise unsupported(param, "only text is supported here")
    return parts


def _part(part: ContentPart, param: str) -> Part:
    match part.type:
        case "text":
            return Part(text=part.text or "")
        case "refusal":
            return Part(text=part.refusal or "")
        case "image_url" if part.image_url is not None:
            return Part(inline_data=_inline(part.image_url.url, f"{param}.image_url.url"))
        case "input_audio" if part.input_audio is not None:
            audio = _decoded(part.input_audio, _Audio, f"{param}.input_audio")
            return Part(inline_data=Blob(mime_type=f"audio/{audio.format}", data=audio.data))
        case "file" if part.file is not None:
            return _file(_decoded(part.file, _File, f"{param}.file"), f"{param}.file")
        case other:
            raise unsupported(f"{param}.type", f"parts of type {other!r} are not supported here")


def _by_uri(part: ContentPart, model: GeminiModel) -> ContentPart:
    url = part.image_url.url if part.image_url is not None else ""
    fetched = model.takes_urls and url.startswith("https://") and _type_of(url) in _FETCHED_TYPES
    if not (fetched or url.startswith(_OWN_URIS)):
        return part
    return replace(part, type="file", file=msgspec.Raw(msgspec.json.encode(_File(file_id=url))))


def _inline(url: str, param: str) -> Blob:
    inline = read_data_url(url)
    if inline is None:
        raise InvalidInput(f"{param}: not a base64 data URL", param=param)
    return Blob(mime_type=inline.media_type, data=inline.data)


def _file(file: _File, param: str) -> Part:
    """A file is a data URL, or the URI of one that Gemini gets at; `format` is its media type, where it is known."""
    if file.file_data is not None:
        return Part(inline_data=_inline(file.file_data, f"{param}.file_data"))
    if file.file_id is None or not file.file_id.startswith((*_OWN_URIS, "https://")):
        raise unsupported(f"{param}.file_id", "a file is known here by its URI only (https:// or gs://)")
    return Part(file_data=FileData(file_uri=file.file_id, mime_type=file.format or _type_of(file.file_id)))


def _type_of(url: str) -> str | None:
    return mimetypes.guess_type(url.partition("?")[0].partition("#")[0])[0]


def _decoded(raw: msgspec.Raw, type_: type[_T], param: str) -> _T:
    try:
        return msgspec.json.decode(raw, type=type_)
    except msgspec.MsgspecError as exc:
        raise InvalidInput(f"{param}: {exc}", param=param) from exc
