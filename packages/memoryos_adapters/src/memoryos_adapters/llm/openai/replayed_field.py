"""A field of an assistant's message that its provider wants back with its tool calls, for clients that lose it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.dialect import StreamDecoder
from memoryos_adapters.llm.openai.request import wire_of
from memoryos_adapters.llm.replay import ReplayCache, digest_of
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest, Message, ToolCall, ToolCallDelta

_Piece = TypeVar("_Piece")
Said: TypeAlias = ChatAnswer | ChatChunk

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL = msgspec.Raw(b"null")


class ReplayedField(Generic[_Piece]):
    """Remembers the field `name` of every answer that asks for tools, and puts it back where a client lost it.

    `pieces_of` gives what a whole answer or a chunk says of the field, each with the index of its choice; `join` makes
    the field of all pieces of a choice.
    """

    def __init__(
        self,
        name: str,
        *,
        pieces_of: Callable[[Said], Iterable[tuple[int, _Piece]]],
        join: Callable[[list[_Piece]], msgspec.Raw],
    ) -> None:
        self._name, self._pieces_of, self._join = name, pieces_of, join
        self._cache = ReplayCache()

    def restored(
        self, request: ChatRequest, *, default: msgspec.Raw | None = None, everywhere: bool = False
    ) -> ChatRequest:
        """Return the request with the field in every message that asked for tools, or in every answer (`everywhere`).

        `default` stands where it is forgotten.
        """
        messages = tuple(
            self._restored(message, request.owner, default)
            if message.tool_calls or (everywhere and message.role == "assistant")
            else message
            for message in request.messages
        )
        return replace(request, messages=messages)

    def remember(self, answer: ChatAnswer, owner: str) -> None:
        """Remember what a whole answer brought."""
        pieces = dict(self._pieces_of(answer))
        for choice in answer.choices:
            if choice.index in pieces:
                self._keep(owner, choice.message.tool_calls, [pieces[choice.index]])

    def listening(self, decoder: StreamDecoder, owner: str) -> StreamDecoder:
        """Return a decoder that gives the same chunks and remembers what they brought."""
        return _Listener(decoder, self._pieces_of, lambda calls, pieces: self._keep(owner, calls, pieces))

    def forget(self, owner: str) -> None:
        """Drop what is remembered for an owner."""
        self._cache.forget(owner)

    def _keep(self, owner: str, calls: Sequence[ToolCall], pieces: list[_Piece]) -> None:
        if calls and pieces:
            call_ids = [call.id for call in calls]
            self._cache.keep(owner, call_ids, bytes(self._join(pieces)), said=digest_of(calls))

    def _restored(self, message: Message, owner: str, default: msgspec.Raw | None) -> Message:
        fields = _FIELDS.decode(wire_of(message))
        if fields.get(self._name, _NULL) != _NULL:
            return message
        said = digest_of(message.tool_calls)
        found = filter(None, (self._cache.find(owner, call.id, said=said) for call in message.tool_calls))
        value = next(map(msgspec.Raw, found), default)
        if value is None:
            return message
        return replace(message, wire=msgspec.Raw(msgspec.json.encode({**fields, self._name: value})))


class _Listener(Generic[_Piece]):
    """A `StreamDecoder` that hears every choice to its end."""

    def __init__(
        self,
        decoder: StreamDecoder,
        pieces_of: Callable[[Said], Iterable[tuple[int, _Piece]]],
        keep: Callable[[Sequence[ToolCall], list[_Piece]], None],
    ) -> None:
        self._decoder, self._pieces_of, self._keep = decoder, pieces_of, keep
        self._pieces: dict[int, list[_Piece]] = {}
        self._calls: dict[int, dict[int, list[ToolCallDelta]]] = {}

    @property
    def complete(self) -> bool:
        return self._decoder.complete

    def feed(self, data: bytes, into: list[ChatChunk]) -> None:
        known = len(into)
        self._decoder.feed(data, into)
        for chunk in into[known:]:
            self._hear(chunk)
        if self.complete:
            for index, calls in self._calls.items():
                self._keep(tuple(map(_whole, calls.values())), self._pieces.get(index, []))

    def _hear(self, chunk: ChatChunk) -> None:
        for index, piece in self._pieces_of(chunk):
            self._pieces.setdefault(index, []).append(piece)
        for delta in chunk.deltas:
            for call in delta.tool_calls:
                self._calls.setdefault(delta.index, {}).setdefault(call.index, []).append(call)


def _whole(pieces: list[ToolCallDelta]) -> ToolCall:
    arguments = "".join(piece.arguments for piece in pieces)
    return ToolCall(id=pieces[0].id or "", name=pieces[0].name or "", arguments=arguments)
