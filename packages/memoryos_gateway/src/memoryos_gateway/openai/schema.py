"""The structs of OpenAI's chat and models wire, as far as the gateway reads or writes them."""

from typing import Any, Literal

import msgspec


class WireFunction(msgspec.Struct, frozen=True):
    """The function of a tool call."""

    name: str
    arguments: str = "{}"


class WireToolCall(msgspec.Struct, frozen=True):
    """A tool call of an assistant message; one of another type than ``function`` has no `function`."""

    id: str
    function: WireFunction | None = None
    type: str = "function"
    extra_content: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class WireImageUrl(msgspec.Struct, frozen=True):
    """The image of an image part."""

    url: str
    detail: str | None = None


class WirePart(msgspec.Struct, frozen=True):
    """One part of a message's content; of unknown types only the name is read."""

    type: str
    text: str | None = None
    image_url: WireImageUrl | None = None
    input_audio: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    file: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    refusal: str | None = None


class WireMessage(msgspec.Struct, frozen=True):
    """A message of a request; everything else it holds is carried in its raw form."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | tuple[WirePart, ...] | msgspec.UnsetType | None = msgspec.UNSET
    name: str | None = None
    tool_calls: tuple[WireToolCall, ...] | None = None
    tool_call_id: str | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    """What the client wants of its stream."""

    include_usage: bool | None = None


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """A model as ``GET /v1/models`` lists it."""

    id: str
    owned_by: str
    created: int = 0
    object: Literal["model"] = "model"


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``GET /v1/models``."""

    data: list[ModelCard]
    object: Literal["list"] = "list"


class ChatCompletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """For the documentation: the fields of a chat request that the gateway reads. Any other is passed on."""

    model: str
    messages: list[WireMessage]
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: str | None = None


class ChatCompletion(msgspec.Struct, frozen=True, kw_only=True):
    """For the documentation: a whole answer."""

    id: str
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, Any] | None = None
    object: Literal["chat.completion"] = "chat.completion"


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """For the documentation: the fields of an embeddings request that the gateway reads. Any other is passed on."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = None


class Embedding(msgspec.Struct, frozen=True, kw_only=True):
    """For the documentation: one vector, as floats or as base64 of 32-bit little-endian ones."""

    index: int
    embedding: list[float] | str
    object: Literal["embedding"] = "embedding"


class EmbeddingList(msgspec.Struct, frozen=True, kw_only=True):
    """For the documentation: the answer of ``POST /v1/embeddings``."""

    data: list[Embedding]
    model: str
    usage: dict[str, int]
    object: Literal["list"] = "list"
