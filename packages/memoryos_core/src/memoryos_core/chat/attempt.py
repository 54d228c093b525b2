"""One call of a model on behalf of a chat: the request as that model gets it, its answer or the start of a stream."""

import msgspec

from memoryos_core.caller import Caller
from memoryos_core.chat.direct import DirectLlm
from memoryos_core.chat.exchange import Prepared
from memoryos_core.chat.first_words import RestOfStream, first_words
from memoryos_core.chat.messages import last_user_position, with_block
from memoryos_core.routing.plan import Route
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.errors import LocalModelRequired
from memoryos_ports.ids import EventId
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest, LlmAdapter, Message
from memoryos_ports.memory import Memory, speaker_of


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
    """A stream that has begun to answer, and what memory brought to the request that it answers."""

    first: list[ChatChunk]
    rest: RestOfStream
    prepared: Prepared


class Attempt:
    """Calls models for one chat. Every request is made anew from what the client sent."""

    def __init__(self, call: ChatCall, prepared: Prepared, rules: SensitiveRules, *, sensitive: bool) -> None:
        """`sensitive` is what the rules, or memory, say of the conversation as the client sent it."""
        self._call, self._prepared, self._rules, self._sensitive = call, prepared, rules, sensitive

    async def whole(self, route: Route) -> Whole:
        """Return the whole answer of a model. Raises what its adapter raises, and LocalModelRequired."""
        prepared = self._prepared_for(route)
        answer = await self._adapter(route).chat(self._request(route, prepared))
        return Whole(answer=answer, prepared=prepared)

    async def begin(self, route: Route) -> Begun:
        """Return the stream of a model once something of its answer is in; until then it raises as `whole` does."""
        prepared = self._prepared_for(route)
        source = self._adapter(route).chat_stream(self._request(route, prepared))
        first, rest = await first_words(source, upstream=route.provider.name)
        return Begun(first=first, rest=rest, prepared=prepared)

    def _adapter(self, route: Route) -> LlmAdapter:
        adapter = route.provider.adapter
        return adapter.of(self._call.caller.tenant_id) if isinstance(adapter, DirectLlm) else adapter

    def _prepared_for(self, route: Route) -> Prepared:
        """Return what memory brings to this model: what must stay local reaches local ones only, and marks answers."""
        if not self._prepared.memories:
            return self._prepared
        if route.provider.local:
            marked = self._prepared.sensitive or any(memory.sensitive for memory in self._prepared.memories)
            return msgspec.structs.replace(self._prepared, sensitive=marked)
        kept = self._prepared.without(self._stays)
        return kept.without(lambda _: True) if self._rules.match(kept.block) else kept

    def _stays(self, memory: Memory) -> bool:
        return memory.sensitive or self._rules.match(memory.text) or self._rules.match(speaker_of(memory))

    def _request(self, route: Route, prepared: Prepared) -> ChatRequest:
        if self._sensitive and not route.provider.local:
            raise LocalModelRequired(self._call.model)  # looked at again for every model that is asked
        messages = self._call.messages
        position = last_user_position(messages) if prepared.block else None
        if position is not None:
            messages = with_block(messages, position, prepared.block)
        return ChatRequest(
            model=route.model,
            messages=messages,
            params=self._call.params,
            recalled=prepared.recalled,
            owner=self._call.caller.owner,
        )
