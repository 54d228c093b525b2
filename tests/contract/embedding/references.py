"""The recorded texts and vectors of MiniLM; test_minilm_reference.py says where they are from."""

import base64
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A text and its vector by another implementation, as base64 of little-endian float32."""

    text: str
    float32: str

    @property
    def vector(self) -> NDArray[np.float32]:
        """Return the vector, 384 numbers."""
        return np.frombuffer(base64.b64decode(self.float32), "<f4")


def read_references() -> Sequence[Reference]:
    """Return the recorded texts: empty, emoji, CJK, code, longer than 256 tokens and so on."""
    return msgspec.json.decode(Path(__file__).with_name("reference_vectors.json").read_bytes(), type=list[Reference])
