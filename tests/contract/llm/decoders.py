"""What every decoder of streams does: split anywhere it says the same, cut anywhere it fails."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from memoryos_adapters.llm.dialect import StreamDecoder
from memoryos_ports.errors import MemoryOSError, StreamCut, UpstreamProtocolError
from memoryos_ports.llm import ChatChunk

MakeDecoder: TypeAlias = Callable[[], StreamDecoder]
Streams: TypeAlias = dict[str, tuple[bytes, bytes]]


class StreamDecoderContract:
    """Subclass it as ``Test…`` with fixtures `new_decoder` and `streams`.

    `streams` are complete bodies by what they show, each in two parts: up to the last byte that says how the answer
    ended, and the rest.
    """

    def test_a_stream_split_at_any_byte_says_the_same(self, new_decoder: MakeDecoder, streams: Streams) -> None:
        for title, (head, rest) in streams.items():
            body = head + rest
            expected = _said(decoded(new_decoder(), body))
            assert expected, title
            for place in range(1, len(body)):
                assert _said(decoded(new_decoder(), body[:place], body[place:])) == expected, (title, place)

    def test_a_stream_byte_by_byte_says_the_same(self, new_decoder: MakeDecoder, streams: Streams) -> None:
        for head, rest in streams.values():
            body = head + rest
            pieces = (body[place : place + 1] for place in range(len(body)))
            assert _said(decoded(new_decoder(), *pieces)) == _said(decoded(new_decoder(), body))

    def test_a_stream_cut_at_any_byte_is_an_error_and_never_says_how_it_ended(
        self, new_decoder: MakeDecoder, streams: Streams
    ) -> None:
        for title, (head, _) in streams.items():
            for place in range(len(head)):
                decoder, chunks = new_decoder(), list[ChatChunk]()
                error = _error_of_cut(decoder, head[:place], chunks)
                assert isinstance(error, StreamCut | UpstreamProtocolError), (title, place)
                assert not decoder.complete
                assert not any(delta.finish_reason for chunk in chunks for delta in chunk.deltas), (title, place)


def decoded(decoder: StreamDecoder, *pieces: bytes) -> list[ChatChunk]:
    """Return the chunks of a body that arrives in these pieces; an empty one ends it. Checks that it is complete."""
    chunks: list[ChatChunk] = []
    for piece in pieces:
        if decoder.complete:
            break
        decoder.feed(piece, chunks)
    if not decoder.complete:
        decoder.feed(b"", chunks)
    assert decoder.complete
    return chunks


def _said(chunks: list[ChatChunk]) -> list[ChatChunk]:
    """What does not depend on the moment: some providers give neither an id nor a time."""
    return [msgspec.structs.replace(chunk, id="", created=0, wire=None) for chunk in chunks]


def _error_of_cut(decoder: StreamDecoder, body: bytes, into: list[ChatChunk]) -> MemoryOSError | None:
    try:
        if body:
            decoder.feed(body, into)
        decoder.feed(b"", into)
    except MemoryOSError as error:
        return error
    return None
