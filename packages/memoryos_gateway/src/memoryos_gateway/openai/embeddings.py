"""The OpenAI embeddings wire: requests in, vectors out as lists or as base64 (wire contract: B1, B2)."""

import sys
from array import array
from base64 import b64encode
from typing import Any, Literal, TypeAlias

import msgspec

from memoryos_gateway.openai.fields import decode_field, decode_object, missing, required_text
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest

EncodingFormat: TypeAlias = Literal["float", "base64"]

MAX_INPUTS = 2048
"""The most inputs of one request, as OpenAI has it."""

_OWN_FIELDS = ("model", "input", "dimensions", "encoding_format")

_input = msgspec.json.Decoder(str | list[str | int | list[int]])
_dimensions = msgspec.json.Decoder(int | None)
_optional_text = msgspec.json.Decoder(str | None)


class EmbeddingsBody(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded request, how its vectors are to be written, and whom it names as its user."""

    request: EmbeddingsRequest
    user: str | None
    encoding_format: EncodingFormat


def decode_embeddings(body: bytes) -> EmbeddingsBody:
    """Return an embeddings request. Raises InvalidInput that names the field."""
    fields = decode_object(body)
    model = required_text(fields, "model")
    if "input" not in fields:
        raise missing("input")
    dimensions = decode_field(_dimensions, fields.get("dimensions"), "dimensions")
    if dimensions is not None and dimensions < 1:
        raise InvalidInput("dimensions must be at least 1", param="dimensions")
    return EmbeddingsBody(
        request=EmbeddingsRequest(
            model=model,
            input=_inputs(decode_field(_input, fields["input"], "input")),
            dimensions=dimensions,
            params={name: raw for name, raw in fields.items() if name not in _OWN_FIELDS},
        ),
        user=decode_field(_optional_text, fields.get("user"), "user"),
        encoding_format=_encoding_format(
            decode_field(_optional_text, fields.get("encoding_format"), "encoding_format")
        ),
    )


def encode_embeddings(
    vectors: tuple[Vector, ...], *, model: str, usage: Usage | None, encoding_format: EncodingFormat
) -> bytes:
    """Return the body of an answer; `model` is the name that the client used."""
    prompt_tokens = usage.prompt_tokens if usage is not None else 0
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": _base64(vector) if encoding_format == "base64" else vector,
                }
                for index, vector in enumerate(vectors)
            ],
            "model": model,
            "usage": {
                "prompt_tokens": prompt_tokens,
                "total_tokens": prompt_tokens,
                **({"estimated": True} if usage is None or usage.estimated else {}),
            },
        }
    )


def _inputs(given: Any) -> tuple[str, ...] | tuple[tuple[int, ...], ...]:
    """Return the inputs: of one text, of texts, of one list of tokens, of lists of tokens; all of one kind."""
    items = [given] if isinstance(given, str) or _is_tokens(given) else given
    if not items or not all(items):
        raise InvalidInput("input must not be empty, nor hold anything empty", param="input")
    if len(items) > MAX_INPUTS:
        raise InvalidInput(f"input must hold at most {MAX_INPUTS} items", param="input")
    if all(isinstance(item, str) for item in items):
        return tuple(items)
    if all(isinstance(item, list) for item in items):
        return tuple(map(tuple, items))
    raise InvalidInput("input must be a text, texts, tokens, or lists of tokens, not a mixture", param="input")


def _is_tokens(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(item, int) for item in given)


def _encoding_format(given: str | None) -> EncodingFormat:
    match given:
        case None | "float":
            return "float"
        case "base64":
            return "base64"
    raise InvalidInput("encoding_format must be float or base64", param="encoding_format", code="unsupported_value")


def _base64(vector: Vector) -> str:
    """Return the floats as base64 of 32-bit little-endian ones."""
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()
