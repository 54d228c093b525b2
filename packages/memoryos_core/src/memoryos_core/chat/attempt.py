"""One call of a model on behalf of a chat: the request as that model gets it, its answer or the start of a stream."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing

import msgspec

from memoryos_core.caller import Caller
from memoryos_core.chat.direct import DirectLlm
from memoryos_core.chat.exchange import Prepared
from memoryos_core.chat.messages import last_user_position, with_block
from memoryos_core.routing.plan import Route
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.errors import LocalModelRequired, StreamCut, UpstreamUnavailable
from memoryos_ports.ids import EventId
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest, LlmAdapter, Message
from memoryos_ports.memory import Page


class ChatCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks: `model` is the name it used, `params` everything of its body that only the model reads."""

    model: str
    messages: tuple[Message, ...]
    caller: Caller
    params: dict[str, msgspec.Raw] = {}
    idempotency_key: EventId | None = None


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, and what memory brought to the request that it answers."""

    answer: ChatAnswer
    prepared: Prepared


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that has begun to answer: `first` holds something of the answer, the rest comes from `source`."""

    first: list[ChatChunk]
    source: AsyncGenerator[list[ChatChunk], None]
    prepared: Prepared


class Attempt:
    """Calls models for one chat. Every request is made anew from what the client sent."""

    def __init__(self, call: ChatCall, prepared: Prepared, rules: SensitiveRules) -> None:
        self._call, self._prepared, self._rules = call, prepared, rules

    async def whole(self, route: Route) -> Whole:
        """Return the whole answer of a model. Raises what its adapter raises, and LocalModelRequired."""
        prepared = self._prepared_for(route)
        answer = await self._adapter(route).chat(self._request(route, prepared))
        return Whole(answer=answer, prepared=prepared)

    async def begin(self, route: Route) -> Begun:
        """Return the stream of a model once something of its answer is in; until then it raises as `whole` does."""
        prepared = self._prepared_for(route)
        async with AsyncExitStack() as unless_begun:
            source = self._adapter(route).chat_stream(self._request(route, prepared))
            await unless_begun.enter_async_context(aclosing(source))
            first = await _first_of(source, upstream=route.provider.name)
            unless_begun.pop_all()
        return Begun(first=first, source=source, prepared=prepared)

    def _adapter(self, route: Route) -> LlmAdapter:
        adapter = route.provider.adapter
        return adapter.of(self._call.caller.tenant_id) if isinstance(adapter, DirectLlm) else adapter

    def _prepared_for(self, route: Route) -> Prepared:
        """Return what memory brings to this model: what must stay local reaches local ones only."""
        return self._prepared if route.provider.local else self._prepared.without(self._stays)

    def _stays(self, page: Page) -> bool:
        return page.sensitive or self._rules.match(page.text)

    def _request(self, route: Route, prepared: Prepared) -> ChatRequest:
        messages = self._call.messages
        position = last_user_position(messages)
        if prepared.block and position is not None:
            messages = with_block(messages, position, prepared.block)
        if not route.provider.local and self._rules.match_request(messages, self._call.params):
            raise LocalModelRequired(self._call.model)  # looked at again for every model that is asked
        return ChatRequest(
            model=route.model,
            messages=messages,
            params=self._call.params,
            recalled=prepared.recalled,
            owner=self._call.caller.owner,
        )


async def _first_of(source: AsyncGenerator[list[ChatChunk], None], *, upstream: str) -> list[ChatChunk]:
    """Return the chunks up to the first that says something; a stream that is cut before that was no answer at all."""
    first: list[ChatChunk] = []
    try:
        async for batch in source:
            first += batch
            if not all(delta.is_empty for chunk in batch for delta in chunk.deltas):
                return first
    except StreamCut as exc:
        raise UpstreamUnavailable(upstream=upstream, detail=exc.detail) from exc
    raise UpstreamUnavailable(upstream=upstream, detail="a stream without an answer")
