"""Embeddings of Ollama: ``/api/embed``, which takes many texts at once (OL11)."""

from typing import Any

import msgspec

from memoryos_adapters.llm.chat_params import ChatParams, unsupported
from memoryos_adapters.llm.ollama.errors import OllamaErrors
from memoryos_adapters.llm.ollama.wire import WireEmbeddings
from memoryos_adapters.llm.openai.wire import decode_wire
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import UpstreamProtocolError, UpstreamRejected
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest

MAX_INPUTS = 512
"""Texts of one call; Ollama documents no bound, but embeds all of them before it answers."""

_NATIVE = ("options", "keep_alive", "truncate")
_DECODER = msgspec.json.Decoder(WireEmbeddings)


def encode_embeddings(request: EmbeddingsRequest) -> tuple[bytes, tuple[str, ...]]:
    """Return the body of a call and the names of the parameters that it has no word for.

    A text that is too long is refused rather than cut, unless the caller says `truncate`.
    Raises InvalidInput for tokens, which Ollama does not take.
    """
    if not all(isinstance(text, str) for text in request.input):
        raise unsupported("input", "this provider takes texts, not tokens")
    params = ChatParams(request.params)
    body: dict[str, Any] = {"model": request.model, "input": request.input, "truncate": False}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    body |= {name: raw for name in _NATIVE if (raw := params.take_raw(name)) is not None}
    return msgspec.json.encode(body), params.dropped()


def read_embeddings(
    body: bytes, request: EmbeddingsRequest, *, errors: OllamaErrors
) -> tuple[list[Vector], Usage | None]:
    """Return one vector per input, in order, and the usage when it is told.

    Raises UpstreamProtocolError for another number of vectors, and UpstreamRejected when they are not as long as
    was asked for: a server older than 0.12 ignores `dimensions`, and a model cannot have more than it has.
    """
    wire = decode_wire(_DECODER, body, upstream=errors.upstream)
    if wire.error:
        raise errors.error_within(wire.error, status=None, model=request.model)
    vectors = wire.embeddings or []
    if len(vectors) != len(request.input):
        raise UpstreamProtocolError(upstream=errors.upstream, detail="not one vector for each text")
    _check_dimensions(vectors, request.dimensions, upstream=errors.upstream)
    tokens = wire.prompt_eval_count
    return vectors, None if tokens is None else Usage(prompt_tokens=tokens, completion_tokens=0)


def _check_dimensions(vectors: list[Vector], dimensions: int | None, *, upstream: str) -> None:
    found = {len(vector) for vector in vectors}
    if dimensions is not None and found != {dimensions}:
        raise UpstreamRejected(
            upstream=upstream,
            status=400,
            message=f"The model's embeddings cannot have {dimensions} dimensions.",
            param="dimensions",
            code="unsupported_value",
        )
