"""A server of embeddings in OpenAI's dialect whose vectors depend on the words of a text, and are not of length 1."""

import re
import zlib
from typing import Any

from tests.support.completion import Completion, Spoken, encode, halves

DIMENSIONS = 48


def speak_words(completion: Completion, *, path: str, request: dict[str, Any]) -> Spoken:
    """Return one vector per text, the last text's first; the completion does not matter."""
    assert path == "/v1/embeddings"
    texts = request["input"]
    assert all(texts), "OpenAI refuses empty texts"
    data = [{"object": "embedding", "index": index, "embedding": _vector(text)} for index, text in enumerate(texts)]
    body = {"object": "list", "data": data[::-1], "model": request["model"]}
    return Spoken(content_type="application/json", pieces=halves(encode(body)))


def _vector(text: str) -> list[float]:
    vector = [0.1] + [0.0] * (DIMENSIONS - 1)
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % DIMENSIONS] += 3.0
    return vector
