"""Vectors as providers send them, checked before anybody stores one."""

from memoryos_ports.embedding import Vector
from memoryos_ports.errors import UpstreamProtocolError, UpstreamRejected
from memoryos_ports.llm_embeddings import EmbeddingsRequest


def check_vectors(vectors: list[Vector], request: EmbeddingsRequest, *, upstream: str) -> None:
    """Raise UpstreamProtocolError unless there is one vector per input, all of one length, which is not 0.

    Raises UpstreamRejected when that is not the length that was asked for: older servers and models ignore the wish,
    and no model has more dimensions than it has.
    """
    if len(vectors) != len(request.input):
        raise UpstreamProtocolError(upstream=upstream, detail="not one vector for each input")
    lengths = set(map(len, vectors))
    if 0 in lengths or len(lengths) > 1:
        raise UpstreamProtocolError(upstream=upstream, detail="an empty or short vector")
    if request.dimensions is not None and request.dimensions not in lengths:
        raise UpstreamRejected(
            upstream=upstream,
            status=400,
            message=f"The model's embeddings cannot have {request.dimensions} dimensions.",
            param="dimensions",
            code="unsupported_value",
        )
