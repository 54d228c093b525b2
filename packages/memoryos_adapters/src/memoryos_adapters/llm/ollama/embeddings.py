"""Embeddings of Ollama: ``/api/embed``, which takes many texts at once (OL11)."""

from typing import Any

import msgspec

from memoryos_adapters.llm.chat_params import ChatParams, unsupported
from memoryos_adapters.llm.ollama.errors import OllamaErrors
from memoryos_adapters.llm.ollama.wire import WireEmbeddings
from memoryos_adapters.llm.vectors import check_vectors
from memoryos_adapters.llm.wire import decode_wire
from memoryos_ports.embedding import Vector
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

    Raises the error that the body holds, and as `check_vectors`: a server older than 0.12 ignores `dimensions`.
    """
    wire = decode_wire(_DECODER, body, upstream=errors.upstream)
    if wire.error:
        raise errors.error_within(wire.error, status=None, model=request.model)
    vectors = wire.embeddings or []
    check_vectors(vectors, request, upstream=errors.upstream)
    tokens = wire.prompt_eval_count
    return vectors, None if tokens is None else Usage(prompt_tokens=tokens, completion_tokens=0)
