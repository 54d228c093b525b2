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

Settle: TypeAlias = Callable[[Usage, Outcome], None]
"""Books what an answer cost, and how it ended."""

Estimate: TypeAlias = Callable[[str], Usage]
"""From all that was said to what that may have cost, where the provider does not count."""


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
        estimate: Estimate,
        settle: Settle,
        on_failure: Callable[[Route, UpstreamError], None],
    ) -> None:
        self.report = report
        self.stored = True
        self._begun, self._memory = begun, memory
        self._estimate, self._settle, self._on_failure = estimate, settle, on_failure
        self._text: list[str] = []
        self._other_text: list[str] = []
        self._usage: Usage | None = None
        self._calls_tools = False

    async def batches(self) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield the chunks as they arrive, in lists that arrived together; then make the exchange durable.

        A chunk with usage is always the last. Closed or cancelled early, or cut by the provider, it remembers what was
        passed on, as a partial exchange; the call is booked all the same. Raises what the provider raises.
        """
        outcome: Outcome = "cancelled"
        try:
            async with aclosing(self._begun.rest) as rest:
                yield self._begun.first
                self._note(self._begun.first)
                async for batch in rest:
                    yield batch
                    self._note(batch)
            if self._usage is None:
                yield [self._usage_chunk()]
            outcome = "complete"
        except UpstreamError as exc:
            outcome = "cut"
            self._on_failure(self.report.route, exc)
            raise
        finally:
            self._settle(self._usage or self._estimated(), outcome)
            if outcome != "complete" and self._memory is not None:
                self._memory.remember_later(self.report.prepared, self._answered(partial=True))
        if self._memory is not None:
            self.stored = await self._memory.remember(self.report.prepared, self._answered(partial=False))

    def _estimated(self) -> Usage:
        return self._estimate("".join([*self._text, *self._other_text]))

    def _usage_chunk(self) -> ChatChunk:
        """Return the chunk that a provider leaves out which does not count; it says that it is an estimate (X2)."""
        head = self._begun.first[0]
        self._usage = self._estimated()
        return ChatChunk(id=head.id, created=head.created, model=head.model, usage=self._usage)

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
