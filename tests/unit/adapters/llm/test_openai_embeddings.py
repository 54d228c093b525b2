"""Embeddings in OpenAI's dialect: what goes out, and vectors in order whatever the server does (B1, B2)."""

import base64
import struct
from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.openai.dialect import OpenAiDialect
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import MemoryOSError, RateLimited, UpstreamProtocolError
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest, Tokens

_OTHER = OpenAiDialect("server", LlmProviderSettings(kind="openai", base_url="http://127.0.0.1:8000/v1/"))
_OPENAI = OpenAiDialect("openai", LlmProviderSettings(kind="openai", base_url="https://api.openai.com/v1"))


def in_base64(*floats: float) -> str:
    """Return floats as OpenAI encodes them."""
    return base64.b64encode(struct.pack(f"<{len(floats)}f", *floats)).decode()


def read(*data: dict[str, Any], inputs: int = 2, **fields: Any) -> tuple[list[Vector], Usage | None]:
    """Read an answer to a request for that many vectors."""
    request = EmbeddingsRequest(model="m", input=("text",) * inputs)
    return _OTHER.read_embeddings(msgspec.json.encode({"object": "list", "data": data, **fields}), request)


@pytest.mark.parametrize("inputs", [("one",), ("one", "two"), ((1, 2),), ((1, 2), (3,))])
def test_texts_and_tokens_go_out_as_they_came(inputs: tuple[str, ...] | tuple[Tokens, ...]) -> None:
    request = EmbeddingsRequest(model="m", input=inputs, dimensions=8, params={"user": msgspec.Raw(b'"u"')})

    outgoing = _OTHER.encode_embeddings(request)

    assert str(outgoing.url) == "http://127.0.0.1:8000/v1/embeddings"
    assert msgspec.json.decode(outgoing.body) == {
        "model": "m",
        "input": list(map(_listed, inputs)),
        "user": "u",
        "dimensions": 8,
        "encoding_format": "float",
    }


def test_dimensions_are_left_to_the_model_when_nobody_asks() -> None:
    body = _OTHER.encode_embeddings(EmbeddingsRequest(model="m", input=("one",))).body

    assert "dimensions" not in msgspec.json.decode(body)


def test_openai_itself_is_asked_for_base64() -> None:
    body = _OPENAI.encode_embeddings(EmbeddingsRequest(model="m", input=("one",))).body

    assert msgspec.json.decode(body)["encoding_format"] == "base64"


def test_vectors_come_in_the_order_of_their_index() -> None:
    vectors, usage = read(
        {"index": 1, "embedding": [0.5]},
        {"index": 0, "embedding": [0.25]},
        usage={"prompt_tokens": 4, "total_tokens": 4},
    )

    assert (vectors, usage) == ([[0.25], [0.5]], Usage(prompt_tokens=4, completion_tokens=0))


def test_a_missing_index_is_the_place() -> None:
    assert read({"embedding": [0.25]}, {"embedding": [0.5]}) == ([[0.25], [0.5]], None)


def test_floats_and_base64_are_read_whatever_was_asked_for() -> None:
    assert read({"index": 0, "embedding": in_base64(0.25, -1.5)}, {"index": 1, "embedding": [0, 1]})[0] == [
        [0.25, -1.5],
        [0.0, 1.0],
    ]


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}],
        [{"index": 1, "embedding": [1.0]}, {"index": 2, "embedding": [1.0]}],
        [{"index": index, "embedding": [1.0]} for index in (0, 1, 1)],
        [{"embedding": [1.0]}] * 3,
        [{"embedding": [1.0]}, {"embedding": []}],
        [{"embedding": [1.0]}, {"embedding": "not base64!"}],
        [{"embedding": [1.0]}, {"embedding": base64.b64encode(b"12345").decode()}],
        [{"embedding": [1.0]}, {"embedding": in_base64(float("nan"))}],
        [{"embedding": [1.0]}, {"embedding": None}],
    ],
)
def test_anything_but_one_vector_for_each_input_is_a_protocol_error(data: list[dict[str, Any]]) -> None:
    with pytest.raises(UpstreamProtocolError):
        read(*data)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"error": {"message": "slow down", "code": 429}}, RateLimited),
        ({"object": "error", "message": "slow down", "code": 429}, RateLimited),
    ],
)
def test_an_error_under_a_200_is_raised(fields: dict[str, Any], expected: type[MemoryOSError]) -> None:
    with pytest.raises(expected):
        read(**fields)


def _listed(value: str | Tokens) -> str | list[int]:
    return value if isinstance(value, str) else list(value)
