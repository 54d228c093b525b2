"""A streamed answer in Anthropic's dialect: bytes in as they arrive, chunks out (wire contract: AN12, AN14-AN20)."""

import msgspec

from memoryos_adapters.llm.anthropic.errors import AnthropicErrors
from memoryos_adapters.llm.anthropic.open_blocks import OpenBlocks
from memoryos_adapters.llm.anthropic.thoughts import as_extra, keep_thoughts
from memoryos_adapters.llm.anthropic.wire import (
    WireAnswer,
    WireDelta,
    WireUsage,
    finish_reason_of,
    read_event,
    usage_of,
)
from memoryos_adapters.llm.replay import ReplayCache
from memoryos_adapters.sse import SseParser
from memoryos_ports.errors import StreamCut, UpstreamProtocolError
from memoryos_ports.llm import ChatChunk, ChatRequest, ChoiceDelta


class AnthropicStreamDecoder:
    """Turns the body of one stream into chunks; `complete` once ``message_stop`` has come.

    Nothing is said before the first text, thought or call, so that an error before it can still be answered by
    another model. The end is held back until ``message_stop``: without it the answer is not whole.
    """

    def __init__(self, request: ChatRequest, *, by_tool: bool, errors: AnthropicErrors, cache: ReplayCache) -> None:
        self._request, self._errors, self._upstream, self._cache = request, errors, errors.upstream, cache
        self._events = SseParser(upstream=errors.upstream)
        self._blocks = OpenBlocks(by_tool=by_tool, upstream=errors.upstream)
        self._head = WireAnswer().head(model=request.model)
        self._usage = WireUsage()
        self._last = WireDelta()
        self._begun = False
        self.complete = False

    def feed(self, data: bytes, into: list[ChatChunk]) -> None:
        """Append the chunks that these bytes complete; no bytes mean that the body has ended.

        Raises the error that an event holds, UpstreamProtocolError for what is not the dialect, and StreamCut when
        the end came too early; the chunks before the fault are in `into`.
        """
        if not data:
            raise self._cut("the stream ended without a message_stop")
        for event in self._events.feed(data):
            if event:
                self._read(event, into)
            if self.complete:
                return

    def _read(self, data: bytes, into: list[ChatChunk]) -> None:
        event = read_event(data, upstream=self._upstream)
        match event.type:
            case "message_start" if event.message is not None:
                self._head = event.message.head(model=self._request.model)
                self._usage = event.message.usage
            case "content_block_start" if isinstance(event.content_block, msgspec.Raw):
                self._say(self._blocks.start(event.index, event.content_block), into)
            case "content_block_delta":
                self._say(self._blocks.add(event.index, event.delta), into)
            case "content_block_stop":
                self._say(self._blocks.stop(event.index), into)
            case "message_delta":
                self._last, self._usage = event.delta, self._usage.then(event.usage)
            case "message_stop":
                self._end(into)
            case "error":
                raise self._errors.error_inside(data, model=self._request.model)

    def _end(self, into: list[ChatChunk]) -> None:
        if self._last.stop_reason is None:
            raise self._cut("the stream ended without a stop_reason")
        for index in self._blocks.left_open():
            self._say(self._blocks.stop(index), into)
        calls, thoughts = self._blocks.calls, self._blocks.thoughts
        native, details = self._last.stop_reason, self._last.stop_details
        finish = ChoiceDelta(
            index=0,
            refusal=None if details is None else details.explanation,
            finish_reason=finish_reason_of(native, calls_tools=bool(calls), upstream=self._upstream),
            native_finish_reason=native,
            extra=as_extra(thoughts),
        )
        keep_thoughts(self._cache, self._request, calls, thoughts)
        self._say(finish, into)
        if (usage := usage_of(self._usage)) is not None:
            into.append(msgspec.structs.replace(self._chunk(), usage=usage))
        self.complete = True

    def _say(self, delta: ChoiceDelta | None, into: list[ChatChunk]) -> None:
        if delta is None:
            return
        if not self._begun:
            self._begun = True
            delta = msgspec.structs.replace(delta, role="assistant")
        into.append(self._chunk(delta))

    def _chunk(self, *deltas: ChoiceDelta) -> ChatChunk:
        answer_id, created, model = self._head
        return ChatChunk(id=answer_id, created=created, model=model, deltas=deltas)

    def _cut(self, detail: str) -> StreamCut | UpstreamProtocolError:
        """Return the error for an end that came too early; an answer of which nothing came was not cut."""
        error = StreamCut if self._begun else UpstreamProtocolError
        return error(upstream=self._upstream, detail=detail)
