"""A streamed answer of Ollama: lines of JSON in as they arrive, chunks out (OL1)."""

from memoryos_adapters.llm.ollama.answer import read_finish_reason, read_head, read_tool_calls, read_usage, read_wire
from memoryos_adapters.llm.ollama.errors import OllamaErrors
from memoryos_adapters.llm.ollama.wire import WireAnswer, WireToolCall
from memoryos_adapters.ndjson import NdjsonParser
from memoryos_ports.errors import StreamCut, UpstreamError, UpstreamProtocolError
from memoryos_ports.llm import ChatChunk, ChatRequest, ChoiceDelta, ToolCallDelta


class OllamaStreamDecoder:
    """Turns the body of one stream into chunks; `complete` after the line that is ``done``.

    Lines that add nothing are left out: models that think begin with an empty one.
    """

    def __init__(self, request: ChatRequest, *, errors: OllamaErrors) -> None:
        self._request, self._errors, self._upstream = request, errors, errors.upstream
        self._lines = NdjsonParser(upstream=self._upstream)
        self._head: tuple[str, int, str] | None = None
        self._call_ids: list[str] = []
        self.complete = False

    def feed(self, data: bytes, into: list[ChatChunk]) -> None:
        """Append the chunks that these bytes complete; no bytes mean that the body has ended.

        Raises the error that a line holds, UpstreamProtocolError for what is not the dialect, and StreamCut when the
        end came too early; the chunks before the fault are in `into`.
        """
        for line in self._lines.feed(data):
            self._add(self._read(line), into)
            if self.complete:
                return
        if not data:
            self._end(into)

    def _end(self, into: list[ChatChunk]) -> None:
        try:
            wire = self._read(self._lines.end())
        except UpstreamProtocolError as exc:
            raise self._cut() from exc
        self._add(wire, into)
        if not self.complete:
            raise self._cut()

    def _read(self, line: bytes) -> WireAnswer:
        return read_wire(line, errors=self._errors, model=self._request.model)

    def _cut(self) -> UpstreamError:
        if self._head is None:
            return UpstreamProtocolError(upstream=self._upstream, detail="a stream without an answer")
        return StreamCut(upstream=self._upstream, detail="the stream ended before it was done")

    def _add(self, wire: WireAnswer, into: list[ChatChunk]) -> None:
        delta = self._delta(wire)
        if not delta.is_empty:
            self._head = self._head or read_head(wire, model=self._request.model)
            answer_id, created, model = self._head
            into.append(ChatChunk(id=answer_id, created=created, model=model, deltas=(delta,)))
        if wire.done:
            self._finish(wire, into)

    def _delta(self, wire: WireAnswer) -> ChoiceDelta:
        message = wire.message
        tool_calls = self._pieces(message.tool_calls) if message.tool_calls else ()
        finish_reason = native = None
        if wire.done:
            called = bool(self._call_ids)
            finish_reason, native = read_finish_reason(wire, called=called, upstream=self._upstream)
        return ChoiceDelta(
            index=0,
            role="assistant" if self._head is None else None,
            content=message.content or None,
            reasoning=message.thinking or None,
            tool_calls=tool_calls,
            finish_reason=finish_reason,
            native_finish_reason=native,
        )

    def _pieces(self, wires: list[WireToolCall]) -> tuple[ToolCallDelta, ...]:
        first = len(self._call_ids)
        calls = read_tool_calls(wires, taken=self._call_ids, upstream=self._upstream)
        self._call_ids += [call.id for call in calls]
        return tuple(
            ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments)
            for index, call in enumerate(calls, start=first)
        )

    def _finish(self, wire: WireAnswer, into: list[ChatChunk]) -> None:
        self.complete = True
        usage = read_usage(wire, self._request)
        if usage is not None and self._head is not None:
            answer_id, created, model = self._head
            into.append(ChatChunk(id=answer_id, created=created, model=model, usage=usage))
