"""A streamed answer of the OpenAI dialect: bytes in as they arrive, chunks out."""

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.openai.overlay import overlay_chunk
from memoryos_adapters.llm.openai.quirks import Mender
from memoryos_adapters.llm.openai.thoughts import ThoughtsName
from memoryos_adapters.llm.openai.tools import ToolCallsInOrder
from memoryos_adapters.llm.openai.wire import WireChunk, WireChunkChoice, WireMessage
from memoryos_adapters.llm.refusals import ErrorTable
from memoryos_adapters.llm.wire import decode_wire
from memoryos_adapters.sse import SseParser
from memoryos_ports.errors import StreamCut, UpstreamProtocolError
from memoryos_ports.llm import ChatChunk, ChoiceDelta, Usage

_DECODER = msgspec.json.Decoder(WireChunk)
_OBJECT = "chat.completion.chunk"
_NO_DELTA = WireMessage()


class OpenAiStreamDecoder:
    """Turns the body of one stream into chunks; `complete` once the provider said that the answer is whole.

    A chunk keeps its bytes as `wire` when nothing had to be mended, and every unknown field of them otherwise. Usage
    is held back until the end, wherever the provider puts it (on every chunk, on the last one, in one of its own), and
    chunks that add nothing are left out (Azure's filter results come with no choices).
    """

    def __init__(self, *, model: str, errors: ErrorTable, thoughts: ThoughtsName | None = None) -> None:
        self._model, self._errors, self._upstream = model, errors, errors.upstream
        self._events = SseParser(upstream=self._upstream)
        self._mender = Mender(upstream=self._upstream, thoughts=thoughts)
        self._head: tuple[str, int, str] | None = None
        self._choices: dict[int, _OpenChoice] = {}
        self._usage: _HeldUsage | None = None
        self.complete = False

    def feed(self, data: bytes, into: list[ChatChunk]) -> None:
        """Append the chunks that these bytes complete; no bytes mean that the body has ended.

        Raises the error that an event holds, UpstreamProtocolError for what is not the dialect, and StreamCut when
        the end came too early; the chunks before the fault are in `into`.
        """
        if not data:
            self._end(into)
        for event in self._events.feed(data):
            if event == b"[DONE]":
                return self._end(into)
            if event and (chunk := self._chunk(event)) is not None:
                into.append(chunk)
        return None

    def _end(self, into: list[ChatChunk]) -> None:
        if self._head is None:
            raise UpstreamProtocolError(upstream=self._upstream, detail="a stream without an answer")
        if not all(choice.finished for choice in self._choices.values()):
            raise StreamCut(upstream=self._upstream, detail="the stream ended without a finish_reason")
        self.complete = True
        if self._usage is not None:
            answer_id, created, model = self._head
            into.append(self._usage.chunk(ChatChunk(id=answer_id, created=created, model=model)))

    def _chunk(self, event: bytes) -> ChatChunk | None:
        wire = decode_wire(_DECODER, event, upstream=self._upstream)
        if wire.error or wire.object == "error":
            raise self._errors.error_inside(event, model=self._model)
        mender = self._mender
        mender.mended = False
        if wire.usage is not None:
            self._hold_usage(wire, event)
        if not wire.choices:
            return None
        deltas = [delta for choice in wire.choices if (delta := self._delta(choice)) is not None]
        if not deltas:
            return None
        if self._head is None:
            self._head = mender.head(wire, object_name=_OBJECT, model=self._model)
        as_it_came = not mender.mended and self._has_this_head(wire)
        answer_id, created, model = self._head
        event = _one_line(event)
        chunk = ChatChunk(id=answer_id, created=created, model=model, deltas=tuple(deltas), wire=event)
        if as_it_came:
            return chunk
        indices = [delta.index for delta in deltas]
        places = [place for place, choice in enumerate(wire.choices) if (choice.index or 0) in indices]
        return replace(chunk, wire=overlay_chunk(event, chunk, places))

    def _hold_usage(self, wire: WireChunk, event: bytes) -> None:
        usage = self._mender.usage(wire.usage)
        if usage is None:
            return
        as_it_came = wire.choices == [] and not self._mender.mended and self._has_this_head(wire)
        self._usage = _HeldUsage(usage, _one_line(event), as_it_came)
        self._mender.mended = True

    def _has_this_head(self, wire: WireChunk) -> bool:
        return (wire.id, wire.created, wire.model) == self._head and wire.object == _OBJECT

    def _delta(self, wire: WireChunkChoice) -> ChoiceDelta | None:
        mender = self._mender
        index, delta = wire.index, wire.delta
        if index is None or delta is None:
            mender.mended = True
            index, delta = index or 0, delta or _NO_DELTA
        choice = self._choices.get(index)
        if choice is None:
            if wire.delta is None and wire.finish_reason is None:
                return None  # Azure's filter results alone: an error may follow, so nothing is begun (AZ3)
            choice = self._choices[index] = _OpenChoice(mender)
            role = "assistant"
            mender.mended |= delta.role != role
        else:
            role = None
            mender.mended |= delta.role is not None
        content, reasoning = delta.content, delta.reasoning_content
        if reasoning is not None or delta.reasoning is not None or isinstance(content, list):
            content, reasoning = mender.content(delta), mender.reasoning(delta)
        tool_calls = choice.tools.pieces(delta.tool_calls) if delta.tool_calls else ()
        finish_reason = native_reason = None
        if wire.finish_reason is not None:
            finish_reason = mender.finish_reason(wire.finish_reason)
            native_reason = mender.native_reason(wire, finish_reason)
        if choice.finished:  # some servers repeat the end, or send an empty delta with the usage after it
            mender.mended = True
            finish_reason = native_reason = None
            if not (content or delta.refusal or tool_calls):
                return None
        elif finish_reason is not None:
            choice.finished = True
            tool_calls += choice.tools.endings()
        return ChoiceDelta(
            index=index,
            role=role,
            content=content,
            refusal=delta.refusal,
            reasoning=reasoning,
            tool_calls=tool_calls,
            finish_reason=finish_reason,
            native_finish_reason=native_reason,
        )


class _HeldUsage(NamedTuple):
    usage: Usage
    event: bytes
    as_it_came: bool

    def chunk(self, head: ChatChunk) -> ChatChunk:
        """Return the last chunk of a stream, with this head."""
        chunk = replace(head, usage=self.usage, wire=self.event)
        return chunk if self.as_it_came else replace(chunk, wire=overlay_chunk(self.event, chunk))


class _OpenChoice:
    __slots__ = ("finished", "tools")

    def __init__(self, mender: Mender) -> None:
        self.finished = False
        self.tools = ToolCallsInOrder(mender)


def _one_line(event: bytes) -> bytes:
    """Line breaks of a multi-line event can only stand between the tokens of its JSON."""
    return event.replace(b"\n", b" ")
