"""Embeddings as batchEmbedContents has them (wire contract: GE15)."""

import msgspec

from memoryos_adapters.llm.chat_params import ChatParams, unsupported
from memoryos_adapters.llm.gemini.config import native_value
from memoryos_adapters.llm.gemini.model import GeminiModel
from memoryos_adapters.llm.gemini.wire import Content, Part
from memoryos_adapters.llm.vectors import check_vectors
from memoryos_adapters.llm.wire import decode_wire
from memoryos_ports.embedding import Vector
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest

MAX_INPUTS = 100
"""The provider's bound on one batch."""


class _Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    model: str
    content: Content
    task_type: msgspec.Raw | None = None
    title: msgspec.Raw | None = None
    output_dimensionality: int | None = None


class _Embedding(msgspec.Struct, frozen=True):
    values: Vector


class _UsageMetadata(msgspec.Struct, frozen=True, rename="camel"):
    prompt_token_count: int | None = None


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    embeddings: list[_Embedding] = []
    usage_metadata: _UsageMetadata | None = None


_DECODER = msgspec.json.Decoder(_Answer)


def encode_embeddings(request: EmbeddingsRequest, model: GeminiModel) -> tuple[bytes, tuple[str, ...]]:
    """Return the body of a call, and the names of the parameters that Gemini has no word for.

    ``task_type`` and ``title``, in either spelling, go out as they came. Raises InvalidInput for tokens.
    """
    params = ChatParams(request.params)
    task_type, title = native_value(params, "task_type"), params.take_raw("title")
    asked = [
        _Asked(
            model=model.path,
            content=Content(role="user", parts=[Part(text=_text(each))]),
            task_type=task_type,
            title=title,
            output_dimensionality=request.dimensions,
        )
        for each in request.input
    ]
    return msgspec.json.encode({"requests": asked}), params.dropped()


def read_embeddings(body: bytes, request: EmbeddingsRequest, *, upstream: str) -> tuple[list[Vector], Usage | None]:
    """Return the vectors, in the order of the inputs, and what they cost, which older versions do not tell.

    Raises as `check_vectors`, and UpstreamProtocolError for anything else.
    """
    answer = decode_wire(_DECODER, body, upstream=upstream)
    vectors = [embedding.values for embedding in answer.embeddings]
    check_vectors(vectors, request, upstream=upstream)
    counted = answer.usage_metadata.prompt_token_count if answer.usage_metadata is not None else None
    usage = None if counted is None else Usage(prompt_tokens=counted, completion_tokens=0)
    return vectors, usage


def _text(value: str | tuple[int, ...]) -> str:
    if not isinstance(value, str):
        raise unsupported("input", "tokens are not supported by this provider: send texts")
    return value
