"""Embeddings of Ollama: texts in one batch, tokens refused, vectors as they were made."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.ollama.embeddings import encode_embeddings, read_embeddings
from memoryos_adapters.llm.ollama.errors import OllamaErrors
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import InvalidInput, UpstreamProtocolError, UpstreamRejected, UpstreamUnavailable
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest

TWO_TEXTS = EmbeddingsRequest(model="m", input=("a", "b"))


def read(document: Any, request: EmbeddingsRequest = TWO_TEXTS) -> tuple[list[Vector], Usage | None]:
    """Decode the body of an answer."""
    return read_embeddings(msgspec.json.encode(document), request, errors=OllamaErrors(upstream="server", hidden=()))


def test_ollamas_own_fields_go_out_and_others_are_named() -> None:
    params = {"keep_alive": b"0", "truncate": b"true", "options": b'{"num_ctx":512}', "x_new": b"1", "user": b'"ada"'}
    raw = {name: msgspec.Raw(value) for name, value in params.items()}

    body, dropped = encode_embeddings(msgspec.structs.replace(TWO_TEXTS, params=raw))

    assert msgspec.json.decode(body) == {
        "model": "m",
        "input": ["a", "b"],
        "truncate": True,
        "keep_alive": 0,
        "options": {"num_ctx": 512},
    }
    assert dropped == ("x_new",)


def test_tokens_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        encode_embeddings(EmbeddingsRequest(model="m", input=((1, 2), (3,))))
    assert (caught.value.param, caught.value.code) == ("input", "unsupported_value")


def test_vectors_keep_their_order_and_length() -> None:
    assert read({"embeddings": [[1, 2.5], [3, 4]], "prompt_eval_count": 5}) == (
        [[1.0, 2.5], [3.0, 4.0]],
        Usage(prompt_tokens=5, completion_tokens=0),
    )


def test_tokens_that_are_not_told_are_unknown() -> None:
    assert read({"embeddings": [[1], [2]]})[1] is None


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"embeddings": None},
        {"embeddings": [[1]]},
        {"embeddings": [[1], "x"]},
        {"embedding": [1]},
        {"embeddings": [[], []]},
        {"embeddings": [[1, 2], [3]]},
    ],
)
def test_anything_but_one_vector_for_each_text_is_garbage(document: Any) -> None:
    with pytest.raises(UpstreamProtocolError):
        read(document)


def test_an_error_under_a_200_is_the_error() -> None:
    with pytest.raises(UpstreamUnavailable):
        read({"error": "failed to create embeddings"})


def test_vectors_of_another_length_than_asked_for_are_refused() -> None:
    request = msgspec.structs.replace(TWO_TEXTS, dimensions=2)

    assert read({"embeddings": [[1, 2], [3, 4]]}, request)
    with pytest.raises(UpstreamRejected) as caught:
        read({"embeddings": [[1, 2, 3], [4, 5, 6]]}, request)
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, "dimensions", "unsupported_value")
