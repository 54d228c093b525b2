"""A chat with memory: recall, ask the models in their order, remember; memory never fails it."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from memoryos_core.chat.attempt import Attempt, ChatCall
from memoryos_core.chat.exchange import Answered, Prepared
from memoryos_core.chat.memory import ChatMemory
from memoryos_core.chat.stream import ChatReport, ChatStream
from memoryos_core.routing.dispatch import Dispatched, Dispatcher, cost_of
from memoryos_core.routing.plan import Route
from memoryos_core.routing.router import ModelRouter
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.routing.usage import Booking, Outcome, UsageBook, estimated_usage, prompt_tokens
from memoryos_ports.errors import MemoryOSError, ModelNotFound
from memoryos_ports.llm import ChatAnswer, Usage

_T = TypeVar("_T")

_READ_AT_ONCE_BYTES = 64 * 1024
"""Up to this size a conversation is looked through for sensitive content on the loop: some ten milliseconds."""


class ChatService:
    """The use case of the gateway. Without `memory` it is a plain router of chats."""

    def __init__(
        self,
        *,
        router: ModelRouter,
        dispatcher: Dispatcher | None = None,
        memory: ChatMemory | None = None,
        rules: SensitiveRules | None = None,
        usage: UsageBook | None = None,
    ) -> None:
        self._router, self._dispatcher, self._memory = router, dispatcher or Dispatcher(), memory
        self._rules, self._usage = rules or SensitiveRules(), usage or UsageBook()

    async def complete(self, call: ChatCall) -> tuple[ChatAnswer, ChatReport]:
        """Return the whole answer.

        Raises ModelNotFound, LocalModelRequired, and what the last provider raised that was asked. Cancelled (the
        client is gone), the user's turn is still remembered, as a partial exchange.
        """
        done = await self._dispatch(call, lambda attempt: attempt.whole)
        answer, prepared = done.answer.answer, done.answer.prepared
        usage = answer.usage or _estimate(call, _text_of(answer))
        answer = replace(answer, usage=usage)
        self._book(call, done.route, usage, outcome="complete", tries=done.tries)
        first = min(answer.choices, key=lambda choice: choice.index).message
        text = None if done.route.provider.offline else first.content
        stored = await self._remember(prepared, Answered(text=text, opens_tool_loop=bool(first.tool_calls)))
        return answer, ChatReport(
            route=done.route,
            prepared=prepared,
            tries=done.tries,
            facts=answer.facts,
            stored=stored,
            has_text=bool(text and text.strip()),
        )

    async def stream(self, call: ChatCall) -> ChatStream:
        """Return the answer's stream once its first words are in; until then everything raises as in `complete`."""
        done = await self._dispatch(call, lambda attempt: attempt.begin)
        begun = done.answer
        report = ChatReport(route=done.route, prepared=begun.prepared, tries=done.tries, facts=begun.first[0].facts)

        def settle(usage: Usage, outcome: Outcome) -> None:
            self._book(call, done.route, usage, outcome=outcome, tries=done.tries)

        return ChatStream(
            report=report,
            begun=begun,
            memory=self._memory,
            estimate=partial(_estimate, call),
            settle=settle,
            on_failure=self._dispatcher.note_error,
        )

    async def _dispatch(
        self, call: ChatCall, way: Callable[[Attempt], Callable[[Route], Awaitable[_T]]]
    ) -> Dispatched[_T]:
        plan = self._router.plan(call.model)
        sensitive = await self._holds_sensitive(call)
        if sensitive:
            plan.require_local()
        prepared = await self._prepare(call, sensitive=sensitive)
        sensitive = sensitive or (prepared.plan is not None and prepared.plan.sensitive)
        length = prompt_tokens(call.messages, call.params.get("tools")) + prepared.tokens if plan.measures else 0
        routes = plan.routes(prompt_tokens=length, sensitive=sensitive)
        ask = self._paid_for(call, way(Attempt(call, prepared, self._rules, sensitive=sensitive)))
        try:
            return await self._dispatcher.run(call.model, routes, ask)
        except ModelNotFound as exc:
            if refusal := plan.refusal(prompt_tokens=length, sensitive=sensitive):
                raise refusal from exc
            raise
        except asyncio.CancelledError:
            if self._memory is not None:
                self._memory.remember_later(prepared, Answered(text=None, partial=True))
            raise

    async def _holds_sensitive(self, call: ChatCall) -> bool:
        """Return whether what the client sent must stay local; a long conversation is read beside the event loop."""
        if not self._rules:
            return False
        size = sum(len(message.wire or b"") for message in call.messages) + sum(map(len, call.params.values()))
        if size < _READ_AT_ONCE_BYTES:
            return self._rules.match_request(call.messages, call.params)
        return await asyncio.to_thread(self._rules.match_request, call.messages, call.params)

    def _paid_for(self, call: ChatCall, ask: Callable[[Route], Awaitable[_T]]) -> Callable[[Route], Awaitable[_T]]:
        """Return what asks a model and books a call that is cancelled: what a provider has read is paid for."""
        tries = 0

        async def ask_and_book(route: Route) -> _T:
            nonlocal tries
            try:
                return await ask(route)
            except asyncio.CancelledError:
                if not route.provider.direct:
                    self._book(call, route, _estimate(call, ""), outcome="cancelled", tries=tries + 1)
                raise
            except MemoryOSError as exc:
                tries += cost_of(route, exc)
                raise

        return ask_and_book

    def _book(self, call: ChatCall, route: Route, usage: Usage, *, outcome: Outcome, tries: int) -> None:
        tenant_id = call.caller.tenant_id
        self._usage.book(Booking(tenant_id=tenant_id, route=route, usage=usage, outcome=outcome, tries=tries))

    async def _prepare(self, call: ChatCall, *, sensitive: bool) -> Prepared:
        if self._memory is None:
            return Prepared(scope=None, caller=call.caller, state="off", reason="disabled")
        return await self._memory.prepare(
            call.caller, call.messages, idempotency_key=call.idempotency_key, sensitive=sensitive
        )

    async def _remember(self, prepared: Prepared, answered: Answered) -> bool:
        return self._memory is None or await self._memory.remember(prepared, answered)


def _estimate(call: ChatCall, answer: str) -> Usage:
    return estimated_usage(call.messages, answer, tools=call.params.get("tools"))


def _text_of(answer: ChatAnswer) -> str:
    messages = [choice.message for choice in answer.choices]
    return "".join(
        (m.reasoning or "") + (m.content or "") + "".join(c.arguments for c in m.tool_calls) for m in messages
    )
