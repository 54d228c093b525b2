"""What Anthropic's messages are made of, and how the parts of a message are said in them (AN7, AN10, AN11)."""

from typing import TypeAlias

import msgspec

from memoryos_adapters.llm.chat_params import unsupported
from memoryos_adapters.llm.data_url import read_data_url
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ContentPart

MaybeRaw: TypeAlias = msgspec.Raw | msgspec.UnsetType
"""A field that is passed on unread, if it is there."""

_IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PDF = "application/pdf"


class Base64Source(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="base64"):
    """Bytes inside the request."""

    media_type: str
    data: str


class UrlSource(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="url"):
    """Something that Anthropic fetches."""

    url: str


class FileSource(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="file"):
    """A file that was uploaded to Anthropic before."""

    file_id: str


class TextBlock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="text"):
    """A text, never empty. `cache_control` marks the end of what Anthropic caches; here and in the other blocks."""

    text: str
    cache_control: MaybeRaw = msgspec.UNSET


class ImageBlock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="image"):
    """An image."""

    source: Base64Source | UrlSource
    cache_control: MaybeRaw = msgspec.UNSET


class DocumentBlock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="document"):
    """A PDF."""

    source: Base64Source | FileSource
    title: str | None = None
    cache_control: MaybeRaw = msgspec.UNSET


class ToolUseBlock(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_use"):
    """A call that the model asked for; `input` is an object."""

    id: str
    name: str
    input: msgspec.Raw


PartBlock: TypeAlias = TextBlock | ImageBlock | DocumentBlock


class ToolResultBlock(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="tool_result"
):
    """What came of a call."""

    tool_use_id: str
    content: tuple[PartBlock, ...] = ()
    is_error: bool = False


Block: TypeAlias = PartBlock | ToolUseBlock | ToolResultBlock | msgspec.Raw
"""A raw one is what Anthropic itself said before, sent back unchanged."""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


def text_blocks(text: str, cache_control: MaybeRaw = msgspec.UNSET) -> tuple[TextBlock, ...]:
    """Return a block for a text, none for one without a visible character: Anthropic refuses those."""
    return (TextBlock(text=text, cache_control=cache_control),) if text.strip() else ()


def read_part(part: ContentPart, path: str, cache_control: MaybeRaw) -> tuple[PartBlock, ...]:
    """Return the blocks of one part. Raises InvalidInput that names what cannot be said."""
    match part:
        case ContentPart(type="text"):
            return text_blocks(part.text or "", cache_control)
        case ContentPart(type="refusal"):
            return text_blocks(part.refusal or "", cache_control)
        case ContentPart(type="image_url", image_url=image) if image is not None:
            return (_seen(image.url, f"{path}.image_url.url", cache_control),)
        case ContentPart(type="file", file=file) if file is not None:
            return (_document(file, f"{path}.file", cache_control),)
    raise unsupported(f"{path}.type", f"parts of type {part.type!r} are not supported by this provider")


def _seen(url: str, path: str, cache_control: MaybeRaw) -> ImageBlock | DocumentBlock:
    inline = read_data_url(url)
    if inline is None and url.lower().startswith("https://"):
        return ImageBlock(source=UrlSource(url=url), cache_control=cache_control)
    if inline is None:
        raise unsupported(path, "an image must be a data URL or an https URL")
    source = Base64Source(media_type=inline.media_type, data=inline.data)
    if inline.media_type == _PDF:
        return DocumentBlock(source=source, cache_control=cache_control)
    if inline.media_type not in _IMAGE_TYPES:
        raise unsupported(path, f"images of type {inline.media_type} are not supported: JPEG, PNG, GIF or WebP")
    return ImageBlock(source=source, cache_control=cache_control)


def _document(raw: msgspec.Raw, path: str, cache_control: MaybeRaw) -> DocumentBlock:
    try:
        file = msgspec.json.decode(raw, type=_File)
    except msgspec.MsgspecError as exc:
        raise InvalidInput(f"{path}: not a file", param=path) from exc
    if file.file_id is not None:
        source: Base64Source | FileSource = FileSource(file_id=file.file_id)
    else:
        inline = read_data_url(file.file_data or "")
        if inline is None or inline.media_type != _PDF:
            raise unsupported(f"{path}.file_data", "a file must be a PDF as a data URL, or a file_id of this provider")
        source = Base64Source(media_type=_PDF, data=inline.data)
    return DocumentBlock(source=source, title=file.filename, cache_control=cache_control)
