"""A streamed answer of streamGenerateContent: bytes in as they arrive, chunks out."""

from memoryos_adapters.llm.gemini.answer import decode, head_of, usage_of
from memoryos_adapters.llm.gemini.bare_error import BareError
from memoryos_adapters.llm.gemini.candidate import OpenCandidate
from memoryos_adapters.llm.gemini.errors import GeminiErrors
from memoryos_adapters.llm.gemini.signatures import Signatures
from memoryos_adapters.llm.gemini.wire import Candidate
from memoryos_adapters.sse import SseParser
from memoryos_ports.errors import StreamCut, UpstreamProtocolError
from memoryos_ports.llm import ChatChunk, ChatRequest, ChoiceDelta, ToolCall, ToolCallDelta, Usage


class GeminiStreamDecoder:
    """Turns the body of one stream into chunks; `complete` once the body has ended and every candidate has too.

    There is no ``[DONE]`` (GE2), and a finishReason may come early and again, so ends and usage (cumulative: the last
    counts, GE9) are held back until the body ends. An event that says nothing yet begins no answer.
    """

    def __init__(self, request: ChatRequest, *, errors: GeminiErrors, signatures: Signatures) -> None:
        self._request, self._errors, self._signatures = request, errors, signatures
        self._upstream = errors.upstream
        self._events = SseParser(upstream=self._upstream)
        self._bare = BareError()
        self._head: tuple[str, int, str] | None = None
        self._candidates: dict[int, _Candidate] = {}
        self._usage: Usage | None = None
        self.complete = False

    def feed(self, data: bytes, into: list[ChatChunk]) -> None:
        """Append the chunks that these bytes complete; no bytes mean that the body has ended.

        Raises the error that an event holds, UpstreamProtocolError for what is not the dialect, and StreamCut when
        the end came too early; the chunks before the fault are in `into`.
        """
        if not data:
            return self._end(into)
        for event in self._events.feed(data):
            if event:
                self._read(event, into)
        self._bare.feed(data)
        return None

    def _read(self, event: bytes, into: list[ChatChunk]) -> None:
        wire = decode(event, model=self._request.model, errors=self._errors)
        self._usage = usage_of(wire.usage_metadata) or self._usage
        deltas = [self._delta(place, candidate) for place, candidate in enumerate(wire.candidates or ())]
        if self._head is None and deltas:
            self._head = head_of(wire, model=self._request.model)
        if said := tuple(delta for delta in deltas if delta is not None):
            into.append(self._chunk(deltas=said))

    def _delta(self, place: int, wire: Candidate) -> ChoiceDelta | None:
        index = place if wire.index is None else wire.index
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(
                OpenCandidate(upstream=self._upstream, owner=self._request.owner, signatures=self._signatures)
            )
        return candidate.delta(index, wire)

    def _end(self, into: list[ChatChunk]) -> None:
        if bare := self._bare.end():
            raise self._errors.error_in(bare, model=self._request.model)
        begun = any(candidate.begun for candidate in self._candidates.values())
        if self._head is None or not all(candidate.ended for candidate in self._candidates.values()):
            if begun:
                raise StreamCut(upstream=self._upstream, detail="the stream ended without a finishReason")
            raise UpstreamProtocolError(upstream=self._upstream, detail="a stream without an answer")
        self.complete = True
        into.append(self._chunk(deltas=tuple(each.ending(index) for index, each in sorted(self._candidates.items()))))
        if self._usage is not None:
            into.append(self._chunk(usage=self._usage))

    def _chunk(self, *, deltas: tuple[ChoiceDelta, ...] = (), usage: Usage | None = None) -> ChatChunk:
        assert self._head is not None  # noqa: S101 - set with the first candidate
        answer_id, created, model = self._head
        return ChatChunk(id=answer_id, created=created, model=model, deltas=deltas, usage=usage)


class _Candidate:
    """A candidate of a stream, as far as it has been told."""

    __slots__ = ("_calls", "_reader", "begun")

    def __init__(self, reader: OpenCandidate) -> None:
        self._reader, self._calls, self.begun = reader, 0, False

    @property
    def ended(self) -> bool:
        return self._reader.native_finish_reason is not None

    def delta(self, index: int, wire: Candidate) -> ChoiceDelta | None:
        said = self._reader.read(wire)
        if not said:
            return None
        return ChoiceDelta(
            index=index,
            role=self._role(),
            content=said.content or None,
            reasoning=said.reasoning or None,
            tool_calls=tuple(map(self._call, said.tool_calls)),
        )

    def ending(self, index: int) -> ChoiceDelta:
        return ChoiceDelta(
            index=index,
            role=self._role(),
            finish_reason=self._reader.finish_reason,
            native_finish_reason=self._reader.other_finish_reason,
            extra=self._reader.extra,
        )

    def _role(self) -> str | None:
        role = None if self.begun else "assistant"
        self.begun = True
        return role

    def _call(self, call: ToolCall) -> ToolCallDelta:
        place, self._calls = self._calls, self._calls + 1
        return ToolCallDelta(
            index=place, id=call.id, name=call.name, arguments=call.arguments, extra_content=call.extra_content
        )
