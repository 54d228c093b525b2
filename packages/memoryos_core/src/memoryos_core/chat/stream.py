"""A stream that is being answered: passed on, measured, and remembered at its end, however it ends."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeAlias

import msgspec

from memoryos_core.chat.attempt import Begun
from memoryos_core.chat.exchange import Answered, Prepared
from memoryos_core.chat.memory import ChatMemory
from memoryos_core.routing.plan import Route
from memoryos_core.routing.usage import Outcome
from memoryos_ports.errors import UpstreamError
from memoryos_ports.ids import EventId
from memoryos_ports.llm import NO_FACTS, CallFacts, ChatChunk, ChoiceDelta, Usage

Settle: TypeAlias = Callable[[Usage | None, str, Outcome], None]
"""Books what an answer cost: the provider's figures if there are any, all that was said, and how it ended."""


class ChatReport(msgspec.Struct, frozen=True, kw_only=True):
    """What happened beside the answer, for its headers.

    `tries` are calls to providers. `stored` False: the exchange is not acknowledged as stored. `has_text` False: the
    answer holds nothing to remember.
    """

    route: Route
    prepared: Prepared
    tries: int = 1
    facts: CallFacts = NO_FACTS
    stored: bool = True
    has_text: bool = True

    @property
    def event_id(self) -> EventId | None:
        """The event_id under which the exchange is remembered, None when it is not, or not known to be."""
        if not self.stored:
            return None
        return self.prepared.event_id(answer_remembered=self.has_text and not self.route.provider.offline)


class ChatStream:
    """The rest of a stream that has begun. `report` is known at once; `stored` is right when `batches` has ended."""

    def __init__(
        self,
        *,
        report: ChatReport,
        begun: Begun,
        memory: ChatMemory | None,
        settle: Settle,
        on_failure: Callable[[Route, UpstreamError], None],
    ) -> None:
        self.report = report
        self.stored = True
        self._begun, self._memory = begun, memory
        self._settle, self._on_failure = settle, on_failure
        self._text: list[str] = []
        self._other_text: list[str] = []
        self._usage: Usage | None = None
        self._calls_tools = False

    async def batches(self) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield the chunks as they arrive, in lists that arrived together; then make the exchange durable.

        Closed or cancelled early, or cut by the provider, it remembers what was passed on, as a partial exchange; the
        call is booked all the same. Raises what the provider raises.
        """
        outcome: Outcome = "cancelled"
        try:
            async with aclosing(self._begun.rest) as rest:
                yield self._begun.first
                self._note(self._begun.first)
                async for batch in rest:
                    yield batch
                    self._note(batch)
            outcome = "complete"
        except UpstreamError as exc:
            outcome = "cut"
            self._on_failure(self.report.route, exc)
            raise
        finally:
            self._settle(self._usage, "".join([*self._text, *self._other_text]), outcome)
            if outcome != "complete" and self._memory is not None:
                self._memory.remember_later(self.report.prepared, self._answered(partial=True))
        if self._memory is not None:
            self.stored = await self._memory.remember(self.report.prepared, self._answered(partial=False))

    def _note(self, batch: list[ChatChunk]) -> None:
        for chunk in batch:
            self._usage = chunk.usage or self._usage
            for delta in chunk.deltas:
                if delta.index == 0 and delta.content:
                    self._text.append(delta.content)
                if delta.index != 0 or delta.reasoning or delta.tool_calls:
                    self._note_other(delta)

    def _note_other(self, delta: ChoiceDelta) -> None:
        """Note what costs tokens and is not remembered: thoughts, tool calls, further choices."""
        self._other_text.append(delta.reasoning or "")
        self._other_text.extend(call.arguments for call in delta.tool_calls)
        if delta.index == 0:
            self._calls_tools = self._calls_tools or bool(delta.tool_calls)
        else:
            self._other_text.append(delta.content or "")

    def _answered(self, *, partial: bool) -> Answered:
        text = None if self.report.route.provider.offline else "".join(self._text)
        return Answered(text=text, partial=partial, opens_tool_loop=self._calls_tools and not partial)
