"""Hashed words instead of a model: vectors in microseconds, for tests and load."""

import asyncio
import math
import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from memoryos_ports.embedding import EmbedderStamp, Vector

_CJK = r"\u2e80-\u9fff\uac00-\ud7af"  # written without spaces: every character is a word
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_MAX_CHARACTERS = 2048
_FAINT = 0.01  # in the first dimension of every text: none is the zero vector, even when its words cancel out
_UNBROKEN = 8  # texts between two turns of the event loop: about a millisecond


class HashedEmbedder:
    """An `Embedder` without a model: texts are alike as far as they share words, case aside; order does not count.

    Each word adds or takes 1 at a place that its hash decides (Weinberger et al. 2009), the sum gets length 1. The
    same in every process; text beyond 2,048 characters is cut.
    """

    def __init__(self, *, dimensions: int = 384) -> None:
        self._stamp = EmbedderStamp(name="hashed-v1", dimensions=dimensions)

    @property
    def stamp(self) -> EmbedderStamp:
        """Return ``hashed-v1`` and the dimensions asked for."""
        return self._stamp

    @property
    def local(self) -> bool:
        """Return True: it runs in this process."""
        return True

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector per text, in order."""
        vectors: list[Vector] = []
        for number, text in enumerate(texts, start=1):
            vectors.append(_vector(text[:_MAX_CHARACTERS], self._stamp.dimensions))
            if number % _UNBROKEN == 0:
                await asyncio.sleep(0)
        return vectors


def _vector(text: str, dimensions: int) -> Vector:
    weights = {0: _FAINT}
    for word in _WORD.findall(text.casefold()):
        place, sign = _place(word)
        weights[place % dimensions] = weights.get(place % dimensions, 0.0) + sign
    length = math.hypot(*weights.values())
    vector = [0.0] * dimensions
    for index, weight in weights.items():
        vector[index] = weight / length
    return vector


@lru_cache(maxsize=4096)
def _place(word: str) -> tuple[int, int]:
    number = int.from_bytes(blake2b(word.encode(errors="replace"), digest_size=8).digest(), "big")
    return number >> 1, 1 if number & 1 else -1
