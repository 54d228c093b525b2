"""Embeddings in the OpenAI dialect (wire contract: B1, B2)."""

import binascii
import math
import struct
from typing import Any

import msgspec

from memoryos_adapters.llm.openai.wire import WireUsage
from memoryos_adapters.llm.refusals import ErrorTable
from memoryos_adapters.llm.vectors import check_vectors
from memoryos_adapters.llm.wire import decode_wire
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest

MAX_INPUTS = 2048
"""OpenAI takes at most that many inputs in one call."""


class _Datum(msgspec.Struct, frozen=True):
    embedding: list[float] | str
    index: int | None = None


class _Answer(msgspec.Struct, frozen=True):
    data: list[_Datum] = []
    usage: WireUsage | None = None
    object: str | None = None
    error: Any = None


_DECODER = msgspec.json.Decoder(_Answer)
_ENCODER = msgspec.json.Encoder()


def encode_embeddings(request: EmbeddingsRequest, *, encoding_format: str) -> bytes:
    """Return the body of a call; texts, tokens and further parameters go out as they came."""
    dimensions = {} if request.dimensions is None else {"dimensions": request.dimensions}
    body = {"model": request.model, "input": request.input, **request.params, **dimensions}
    return _ENCODER.encode({**body, "encoding_format": encoding_format})


def read_embeddings(
    body: bytes, request: EmbeddingsRequest, *, errors: ErrorTable
) -> tuple[list[Vector], Usage | None]:
    """Decode the body of a 200: one vector per input, in their order, whether floats or base64 were asked for or not.

    Raises the error that the body holds, if it holds one, UpstreamProtocolError for anything but such vectors, and as
    `check_vectors`.
    """
    answer = decode_wire(_DECODER, body, upstream=errors.upstream)
    if answer.error or answer.object == "error":
        raise errors.error_inside(body, model=request.model)
    vectors = {
        place if datum.index is None else datum.index: _vector(datum.embedding, upstream=errors.upstream)
        for place, datum in enumerate(answer.data)
    }
    if sorted(vectors) != list(range(len(request.input))) or len(answer.data) != len(vectors):
        raise UpstreamProtocolError(upstream=errors.upstream, detail="not one vector for each input")
    in_order = [vectors[place] for place in range(len(vectors))]
    check_vectors(in_order, request, upstream=errors.upstream)
    return in_order, _usage(answer.usage)


def _vector(embedding: list[float] | str, *, upstream: str) -> Vector:
    vector = embedding if isinstance(embedding, list) else _from_base64(embedding, upstream=upstream)
    if not all(map(math.isfinite, vector)):
        raise UpstreamProtocolError(upstream=upstream, detail="a broken vector")
    return vector


def _from_base64(text: str, *, upstream: str) -> Vector:
    """Little-endian floats of 32 bits."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    except (ValueError, struct.error) as exc:
        raise UpstreamProtocolError(upstream=upstream, detail="a vector that is not base64 of floats") from exc


def _usage(wire: WireUsage | None) -> Usage | None:
    if wire is None or wire.prompt_tokens is None or wire.prompt_tokens < 0:
        return None
    return Usage(prompt_tokens=wire.prompt_tokens, completion_tokens=0)
