"""The one check that every vector passes on its way to an index."""

import math

from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.errors import UpstreamProtocolError

# Squares of greater numbers do not fit into the engine's 32-bit floats.
_MAX_LENGTH = 1e18


def cosine_of(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors of the same dimensions, 0 when one of them has no direction."""
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(x * y for x, y in zip(one, other, strict=True)) / lengths if lengths else 0.0


def check_vector(vector: Vector, stamp: EmbedderStamp) -> None:
    """Raise UpstreamProtocolError, naming the embedder, unless `vector` is finite and of the stamp's dimensions."""
    if len(vector) != stamp.dimensions:
        detail = f"a vector of {len(vector)} dimensions, not {stamp.dimensions}"
        raise UpstreamProtocolError(upstream=stamp.name, detail=detail)
    if not math.hypot(*vector) < _MAX_LENGTH:
        raise UpstreamProtocolError(upstream=stamp.name, detail="a vector that is not finite")
