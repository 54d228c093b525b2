"""A chat with memory: recall, ask the model, remember; memory never fails it."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

import msgspec
from loguru import logger

from memoryos_core.caller import Caller
from memoryos_core.chat.exchange import Answered, Prepared
from memoryos_core.chat.memory import ChatMemory
from memoryos_core.chat.messages import last_user_position, with_block
from memoryos_core.chat.router import ModelRouter, Route
from memoryos_ports.errors import StreamCut, UpstreamError, UpstreamRejected
from memoryos_ports.ids import EventId
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest, Message


class ChatCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks: `model` is the name it used, `params` everything of its body that only the model reads."""

    model: str
    messages: tuple[Message, ...]
    caller: Caller
    params: dict[str, msgspec.Raw] = {}
    idempotency_key: EventId | None = None


class ChatReport(msgspec.Struct, frozen=True, kw_only=True):
    """What happened beside the answer, for its headers.

    `stored` False: the exchange is not acknowledged as stored. `has_text` False: the answer holds nothing to remember.
    """

    route: Route
    prepared: Prepared
    tries: int = 1
    stored: bool = True
    has_text: bool = True

    @property
    def event_id(self) -> EventId | None:
        """The event_id under which the exchange is remembered, None when it is not, or not known to be."""
        if not self.stored:
            return None
        return self.prepared.event_id(answer_remembered=self.has_text and not self.route.provider.offline)


class ChatService:
    """The use case of the gateway. Without `memory` it is a plain router of chats."""

    def __init__(self, *, router: ModelRouter, memory: ChatMemory | None = None) -> None:
        self._router = router
        self._memory = memory

    async def complete(self, call: ChatCall) -> tuple[ChatAnswer, ChatReport]:
        """Return the whole answer. Raises ModelNotFound, and what the provider raises.

        Cancelled (the client is gone), the user's turn is still remembered, as a partial exchange.
        """
        route = self._router.resolve(call.model)
        prepared = await self._prepare(call)
        request = _request(call, route, prepared)
        try:
            with _failures_logged(route):
                answer = await route.provider.adapter.chat(request)
        except asyncio.CancelledError:
            self._remember_later(prepared, Answered(text=None, partial=True))
            raise
        first = min(answer.choices, key=lambda choice: choice.index).message
        text = None if route.provider.offline else first.content
        stored = await self._remember(prepared, Answered(text=text, opens_tool_loop=bool(first.tool_calls)))
        has_text = bool(text and text.strip())
        return answer, ChatReport(route=route, prepared=prepared, stored=stored, has_text=has_text)

    async def stream(self, call: ChatCall) -> "ChatStream":
        """Return the answer's stream once its first chunks are in; until then everything raises as in `complete`."""
        route = self._router.resolve(call.model)
        prepared = await self._prepare(call)
        source = route.provider.adapter.chat_stream(_request(call, route, prepared))
        try:
            with _failures_logged(route):
                first = await anext(source)
        except StopAsyncIteration:
            raise StreamCut(upstream=route.provider.name, detail="the stream was empty") from None
        except asyncio.CancelledError:
            self._remember_later(prepared, Answered(text=None, partial=True))
            raise
        report = ChatReport(route=route, prepared=prepared)
        return ChatStream(report=report, first=first, source=source, memory=self._memory)

    async def _prepare(self, call: ChatCall) -> Prepared:
        if self._memory is None:
            return Prepared(scope=None, caller=call.caller, state="off", reason="disabled")
        return await self._memory.prepare(call.caller, call.messages, idempotency_key=call.idempotency_key)

    async def _remember(self, prepared: Prepared, answered: Answered) -> bool:
        return self._memory is None or await self._memory.remember(prepared, answered)

    def _remember_later(self, prepared: Prepared, answered: Answered) -> None:
        if self._memory is not None:
            self._memory.remember_later(prepared, answered)


class ChatStream:
    """A stream that is being answered. `report` is known at once; `stored` is right when `batches` has ended."""

    def __init__(
        self,
        *,
        report: ChatReport,
        first: list[ChatChunk],
        source: AsyncGenerator[list[ChatChunk], None],
        memory: ChatMemory | None,
    ) -> None:
        self.report = report
        self.stored = True
        self._first = first
        self._source = source
        self._memory = memory
        self._text: list[str] = []
        self._calls_tools = False

    async def batches(self) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield the chunks as they arrive, in lists that arrived together; then make the exchange durable.

        Closed or cancelled early, or cut by the provider, it remembers what was passed on, as a partial exchange.
        Raises what the provider raises.
        """
        complete = False
        try:
            async with aclosing(self._source) as source:
                yield self._first
                self._note(self._first)
                with _failures_logged(self.report.route):
                    async for batch in source:
                        yield batch
                        self._note(batch)
            complete = True
        finally:
            if not complete and self._memory is not None:
                self._memory.remember_later(self.report.prepared, self._answered(partial=True))
        if self._memory is not None:
            self.stored = await self._memory.remember(self.report.prepared, self._answered(partial=False))

    def _note(self, batch: list[ChatChunk]) -> None:
        for chunk in batch:
            for delta in chunk.deltas:
                if delta.index == 0:
                    self._text.append(delta.content or "")
                    self._calls_tools = self._calls_tools or bool(delta.tool_calls)

    def _answered(self, *, partial: bool) -> Answered:
        text = None if self.report.route.provider.offline else "".join(self._text)
        return Answered(text=text, partial=partial, opens_tool_loop=self._calls_tools and not partial)


@contextmanager
def _failures_logged(route: Route) -> Iterator[None]:
    """Say which provider failed, and how; what the caller did wrong is its own affair."""
    try:
        yield
    except UpstreamError as exc:
        if not isinstance(exc, UpstreamRejected):
            logger.bind(route=str(route), error=type(exc).__name__, detail=exc.detail).warning("provider failed")
        raise


def _request(call: ChatCall, route: Route, prepared: Prepared) -> ChatRequest:
    messages = call.messages
    position = last_user_position(messages)
    if prepared.block and position is not None:
        messages = with_block(messages, position, prepared.block)
    return ChatRequest(model=route.model, messages=messages, params=call.params, recalled=prepared.recalled)
