"""Adapters for tests that keep every promise of their port and do what a script says."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

import msgspec

from memoryos_ports.errors import MemoryOSError, StreamCut, UpstreamUnavailable
from memoryos_ports.llm import (
    AnswerMessage,
    ChatAnswer,
    ChatChunk,
    ChatRequest,
    Choice,
    ChoiceDelta,
    FinishReason,
    ToolCall,
    ToolCallDelta,
    Usage,
)

_CREATED = 1_700_000_000


class ScriptedTurn(msgspec.Struct, frozen=True, kw_only=True):
    """What a `ScriptedLlm` does with one request. `pieces` are the texts of the chunks between first and last.

    `error` is raised before anything is answered. After `stops_after` chunks a stream breaks (StreamCut), or hangs
    until it is closed or cancelled; a whole answer does so at once (UpstreamUnavailable instead of StreamCut).
    """

    pieces: tuple[str, ...] = ()
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = "stop"
    usage: Usage | None = Usage(prompt_tokens=7, completion_tokens=3)
    error: MemoryOSError | None = None
    stops_after: int | None = None
    hangs: bool = False


def says(*pieces: str, reasoning: str | None = None, finish_reason: FinishReason = "stop") -> ScriptedTurn:
    """Answer with this text, one chunk for each piece."""
    return ScriptedTurn(pieces=pieces, reasoning=reasoning, finish_reason=finish_reason)


def calls(*tool_calls: ToolCall) -> ScriptedTurn:
    """Ask for these tool calls."""
    return ScriptedTurn(tool_calls=tool_calls, finish_reason="tool_calls")


def fails(error: MemoryOSError) -> ScriptedTurn:
    """Raise this error before anything is answered."""
    return ScriptedTurn(error=error)


def cuts(*pieces: str, after: int) -> ScriptedTurn:
    """Break the stream after so many chunks (the first one holds the role)."""
    return ScriptedTurn(pieces=pieces, stops_after=after)


def hangs(*pieces: str, after: int = 0) -> ScriptedTurn:
    """Send so many chunks, then nothing more until the call is cancelled or the stream closed."""
    return ScriptedTurn(pieces=pieces, stops_after=after, hangs=True)


class ScriptedLlm:
    """An `LlmAdapter` that takes its turns from a script, in order; ``itertools.repeat(says("hi"))`` never ends.

    `requests` holds what it was asked, oldest first; `open_calls` counts the calls that are under way. A request
    beyond the script is an AssertionError.
    """

    def __init__(self, turns: Iterable[ScriptedTurn], *, name: str = "scripted") -> None:
        self._turns, self._name = iter(turns), name
        self.requests: list[ChatRequest] = []
        self.open_calls = 0

    @property
    def name(self) -> str:
        """The provider's name in the configuration."""
        return self._name

    async def reach(self) -> None:
        """Return: there is nothing to reach."""

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Return the next turn as a whole answer."""
        turn = self._next(request)
        self.open_calls += 1
        try:
            if turn.error is not None:
                raise turn.error
            if turn.stops_after is not None:
                await self._stop(turn, UpstreamUnavailable(upstream=self._name, detail="cut by the script"))
            return _whole(turn, number=len(self.requests), model=request.model)
        finally:
            self.open_calls -= 1

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield the next turn, one chunk at a time."""
        turn = self._next(request)
        self.open_calls += 1
        try:
            if turn.error is not None:
                raise turn.error
            for chunk in _chunks(turn, number=len(self.requests), model=request.model)[: turn.stops_after]:
                yield [chunk]
            if turn.stops_after is not None:
                await self._stop(turn, StreamCut(upstream=self._name, detail="cut by the script"))
        finally:
            self.open_calls -= 1

    def _next(self, request: ChatRequest) -> ScriptedTurn:
        self.requests.append(request)
        turn = next(self._turns, None)
        assert turn is not None, f"request {len(self.requests)} is beyond the script"  # noqa: S101 a test double
        return turn

    async def _stop(self, turn: ScriptedTurn, error: MemoryOSError) -> None:
        if turn.hangs:
            await asyncio.Event().wait()
        raise error


def _whole(turn: ScriptedTurn, *, number: int, model: str) -> ChatAnswer:
    message = AnswerMessage(
        content="".join(turn.pieces) if turn.pieces or not turn.tool_calls else None,
        reasoning=turn.reasoning,
        tool_calls=turn.tool_calls,
    )
    return ChatAnswer(
        id=_answer_id(number),
        created=_CREATED,
        model=model,
        choices=(Choice(index=0, message=message, finish_reason=turn.finish_reason),),
        usage=turn.usage,
    )


def _chunks(turn: ScriptedTurn, *, number: int, model: str) -> list[ChatChunk]:
    deltas = [ChoiceDelta(index=0, role="assistant", content="", reasoning=turn.reasoning)]
    deltas += [ChoiceDelta(index=0, content=piece) for piece in turn.pieces]
    deltas += [ChoiceDelta(index=0, tool_calls=(_piece(place, call),)) for place, call in enumerate(turn.tool_calls)]
    deltas.append(ChoiceDelta(index=0, finish_reason=turn.finish_reason))
    chunk = ChatChunk(id=_answer_id(number), created=_CREATED, model=model)
    chunks = [msgspec.structs.replace(chunk, deltas=(delta,)) for delta in deltas]
    return chunks if turn.usage is None else [*chunks, msgspec.structs.replace(chunk, usage=turn.usage)]


def _piece(place: int, call: ToolCall) -> ToolCallDelta:
    return ToolCallDelta(index=place, id=call.id, name=call.name, arguments=call.arguments)


def _answer_id(number: int) -> str:
    return f"chatcmpl-scripted-{number}"
