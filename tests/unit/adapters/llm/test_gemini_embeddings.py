"""Embeddings of Gemini: one batch out, one vector per input in (wire contract: GE15)."""

from typing import Any

import msgspec
import pytest

from memoryos_ports.errors import InvalidInput, UpstreamProtocolError, UpstreamRejected
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest
from tests.support.gemini_answers import indented
from tests.support.gemini_requests import make_dialect

TWO = EmbeddingsRequest(model="text-embedding-004", input=("a", "b"))


def test_ge15_every_input_is_a_request_of_its_batch() -> None:
    params = {"taskType": msgspec.Raw(b'"CLUSTERING"'), "x": msgspec.Raw(b"1"), "user": msgspec.Raw(b'"ada"')}

    sent = make_dialect().encode_embeddings(msgspec.structs.replace(TWO, dimensions=8, params=params))

    assert str(sent.url) == "https://gemini.example/v1beta/models/text-embedding-004:batchEmbedContents"
    assert sent.dropped_params == ("x",)
    assert msgspec.json.decode(sent.body) == {
        "requests": [
            {
                "model": "models/text-embedding-004",
                "content": {"role": "user", "parts": [{"text": text}]},
                "taskType": "CLUSTERING",
                "outputDimensionality": 8,
            }
            for text in ("a", "b")
        ]
    }


def test_ge15_tokens_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        make_dialect().encode_embeddings(EmbeddingsRequest(model="m", input=((1, 2), (3,))))

    assert (caught.value.param, caught.value.code) == ("input", "unsupported_value")


@pytest.mark.parametrize(
    ("metadata", "usage"),
    [({}, None), ({"usageMetadata": {"promptTokenCount": 4}}, Usage(prompt_tokens=4, completion_tokens=0))],
)
def test_ge15_older_versions_do_not_tell_what_it_cost(metadata: dict[str, Any], usage: Usage | None) -> None:
    document = {"embeddings": [{"values": [1, 0.5]}, {"values": [0.25, 0]}], **metadata}

    assert make_dialect().read_embeddings(indented(document), TWO) == ([[1.0, 0.5], [0.25, 0.0]], usage)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"embeddings": [{"values": [1]}]},
        {"embeddings": [{}, {}]},
        [],
        {"embedding": {"values": [1]}},
        {"embeddings": [{"values": []}, {"values": []}]},
        {"embeddings": [{"values": [1, 2]}, {"values": [3]}]},
    ],
)
def test_anything_else_is_no_answer(document: Any) -> None:
    with pytest.raises(UpstreamProtocolError):
        make_dialect().read_embeddings(indented(document), TWO)


def test_vectors_of_another_length_than_asked_for_are_refused() -> None:
    document = indented({"embeddings": [{"values": [1, 2]}, {"values": [3, 4]}]})

    assert make_dialect().read_embeddings(document, msgspec.structs.replace(TWO, dimensions=2))
    with pytest.raises(UpstreamRejected) as caught:
        make_dialect().read_embeddings(document, msgspec.structs.replace(TWO, dimensions=3))
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, "dimensions", "unsupported_value")
