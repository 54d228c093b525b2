"""Token vectors distilled from MiniLM, averaged: the embedder for machines and loads that a model is too slow for."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from memoryos_adapters.embedding.encoder import MODEL_DIRECTORY
from memoryos_adapters.embedding.text import readable
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.errors import ConfigurationError

STATIC_DIRECTORY = Path(__file__).with_name("static_model")
DIMENSIONS = 256

_MAX_CHARACTERS = 2048
_UNBROKEN = 1024  # characters between two turns of the event loop: a millisecond at most, or one long text
_OF_A_TEXT = 128  # what each text costs beside its own characters, in characters
_UNKNOWN = "[UNK]"
_UNKNOWN_LENGTH = 0.85  # of the vector of a rare word
_FAINTEST = 1e-6


class StaticEmbedder:
    """An `Embedder` whose vectors are the mean of their tokens' vectors: 256 dimensions, about 20 µs for a question.

    What the vocabulary lacks (most Chinese characters, emoji) has a direction of its own that its hash decides, so
    that texts are alike as far as they share it. Order does not count; text beyond 2,048 characters is cut.
    """

    def __init__(self, tokenizer: Tokenizer, rows: NDArray[np.int8], scales: NDArray[np.float32]) -> None:
        self._tokenizer, self._rows, self._scales = tokenizer, rows, scales
        self._unknown = tokenizer.token_to_id(_UNKNOWN)

    @classmethod
    def load(cls, tokenizer_directory: Path = MODEL_DIRECTORY, table_directory: Path = STATIC_DIRECTORY) -> Self:
        """Read the tokenizer and the table that were packaged with the wheel: .1 s, 10 MB; blocking.

        Raises ConfigurationError when the package was built without them.
        """
        tokenizer_file, table_file = tokenizer_directory / "tokenizer.json", table_directory / "table.npz"
        if not (tokenizer_file.is_file() and table_file.is_file()):
            raise ConfigurationError(
                ["embedding.kind: static is not in this installation: build memoryos_adapters again"]
            )
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        with np.load(table_file, allow_pickle=False) as table:
            return cls(tokenizer, table["rows"], table["scales"])

    @property
    def stamp(self) -> EmbedderStamp:
        """Return ``static-minilm-v1/256``."""
        return EmbedderStamp(name="static-minilm-v1", dimensions=DIMENSIONS)

    @property
    def local(self) -> bool:
        """Return True: it runs in this process."""
        return True

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector per text, in order."""
        vectors: list[Vector] = []
        since = 0
        for text in texts:
            since += len(text) + _OF_A_TEXT
            if since > _UNBROKEN and vectors:
                await asyncio.sleep(0)
                since = 0
            vectors.append(self._vector(readable(text, max_characters=_MAX_CHARACTERS)))
        return vectors

    def _vector(self, text: str) -> Vector:
        ids = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids
        total: NDArray[np.float32] = self._scales[ids] @ self._rows[ids].astype(np.float32)
        if self._unknown in ids:
            total = total + sum(map(_direction_of, self._unknown_words(text)), np.zeros(DIMENSIONS, np.float32))
        length = float(np.linalg.norm(total))
        if length < _FAINTEST:  # no tokens at all
            return [1.0] + [0.0] * (DIMENSIONS - 1)
        vector: Vector = (total / length).tolist()
        return vector

    def _unknown_words(self, text: str) -> list[str]:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)  # knows the places, and takes longer
        places = (place for id_, place in zip(encoding.ids, encoding.offsets, strict=True) if id_ == self._unknown)
        return [text[start:end].casefold() for start, end in places]


@lru_cache(maxsize=4096)
def _direction_of(word: str) -> NDArray[np.float32]:
    """Return plus or minus the same number in every dimension, the sign being a bit of the word's hash."""
    bits = np.unpackbits(np.frombuffer(blake2b(word.encode(), digest_size=DIMENSIONS // 8).digest(), np.uint8))
    return (bits.astype(np.float32) * 2 - 1) * np.float32(_UNKNOWN_LENGTH / DIMENSIONS**0.5)
