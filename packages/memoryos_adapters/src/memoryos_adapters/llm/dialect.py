"""What a provider's wire has to say for `HttpLlm` to be its adapter: requests out, answers, streams and errors in."""

from collections.abc import Mapping
from typing import Protocol

import msgspec
from yarl import URL

from memoryos_ports.embedding import Vector
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest, Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it goes out. `dropped_params` are those of the caller's that this wire has no word for."""

    url: URL
    body: bytes
    dropped_params: tuple[str, ...] = ()


class StreamDecoder(Protocol):
    """Turns the body of one stream into chunks; it does no I/O, so that a test can cut the bytes where it likes."""

    @property
    def complete(self) -> bool:
        """Whether the provider said that the answer is whole; nothing is fed after that."""
        ...

    def feed(self, data: bytes, into: list[ChatChunk]) -> None:
        """Append the chunks that these bytes complete; no bytes mean that the body has ended.

        Raises the error that an event holds, UpstreamProtocolError for what is not the dialect, StreamCut when the end
        came too early; the chunks before the fault are in `into`.
        """
        ...


class ChatDialect(Protocol):
    """One provider's wire; pure but for `headers`, which may have to fetch a token.

    `inlines_images` says that images by URL have to be fetched and put into the request: the wire takes no URLs.
    """

    inlines_images: bool

    @property
    def reach_url(self) -> URL:
        """What is asked for by GET to see whether the provider answers; it costs nothing."""
        ...

    async def headers(self) -> Mapping[str, str]:
        """Return the headers of every request, credentials included. Raises UpstreamError when there is no token."""
        ...

    def encode(self, request: ChatRequest, *, stream: bool) -> Outgoing:
        """Return the call for a request. Raises InvalidInput that names what cannot be said."""
        ...

    def read_answer(self, body: bytes, request: ChatRequest) -> ChatAnswer:
        """Decode the body of a 200. Raises as `StreamDecoder.feed`, but never StreamCut."""
        ...

    def stream_decoder(self, request: ChatRequest) -> StreamDecoder:
        """Return a decoder for one stream."""
        ...

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error that an answer other than a 200 means; `body` may be cut, HTML, or empty."""
        ...


class EmbeddingsDialect(ChatDialect, Protocol):
    """The wire of a provider that has embeddings; one call takes at most `max_inputs` of them."""

    max_inputs: int

    def encode_embeddings(self, request: EmbeddingsRequest) -> Outgoing:
        """Return the call for a request. Raises InvalidInput that names what cannot be said."""
        ...

    def read_embeddings(self, body: bytes, request: EmbeddingsRequest) -> tuple[list[Vector], Usage | None]:
        """Return one vector per input, in order. Raises UpstreamProtocolError for anything else."""
        ...
