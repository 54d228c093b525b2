"""The memory side of a chat: what is recalled for it before the model is asked, what is remembered of it after."""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
from loguru import logger

from memoryos_core.caller import Caller
from memoryos_core.chat.chain import START, link
from memoryos_core.chat.conversations import Conversations, ToolLoop
from memoryos_core.chat.messages import clean_text, last_user_position, normalised, remembered_text
from memoryos_core.chat.turn_plan import TurnPlan, plan_turn
from memoryos_core.memory.block import frame_tokens, line_tokens, render_block
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.pack import fit_to_budget
from memoryos_core.memory.rank import Hit
from memoryos_core.memory.recall import Question, Recall, Recalled
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.clock import Clock
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.events import EVENT_VERSION, EventMessage, TurnsEvent
from memoryos_ports.ids import EventId, Scope
from memoryos_ports.llm import Message
from memoryos_ports.memory import Page

MIN_SCORE = 0.05
"""Pages that score below this do not enter a prompt: a cosine of about .1 and no word in common is noise."""

MAX_PAGES = 20
"""The most pages that enter a prompt, however much room the budget leaves."""

State: TypeAlias = Literal["ok", "degraded", "off"]

_T = TypeVar("_T")


class _Late(Enum):
    LATE = "late"


_LATE = _Late.LATE


class ChatMemorySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What memory may cost a chat: tokens in the prompt, and seconds before it goes on without.

    `store_wait_s` is the longest a chat waits for its exchange to be durable before it says so.
    """

    budget_tokens: int = 2000
    recall_timeout_s: float = 0.15
    store_wait_s: float = 0.05


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What memory brings to a request, and how the exchange will be remembered.

    `plan` None: it will not be, or, when `is_planned` is False, the plan did not come in time and is made later.
    """

    scope: Scope | None
    caller: Caller
    state: State
    reason: str | None = None
    plan: TurnPlan | None = None
    is_planned: bool = True
    block: str = ""
    recalled: tuple[str, ...] = ()
    tokens: int = 0
    ms: float = 0.0

    messages: tuple[Message, ...] = ()
    idempotency_key: EventId | None = None

    def event_id(self, *, answer_remembered: bool) -> EventId | None:
        """Return the event_id under which the exchange is or will be remembered, None when it will not be."""
        if self.plan is None or not self.caller.writes:
            return None
        return self.plan.event_id if self.plan.new_turns or answer_remembered else self.plan.stored_as


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What the model said. `text` None is not remembered (an offline answer); `partial` means it was cut."""

    text: str | None
    partial: bool = False
    opens_tool_loop: bool = False


class ChatMemory:
    """Recalls within a time budget, and never fails a chat."""

    def __init__(
        self,
        *,
        recall: Recall,
        ingest: Ingest,
        conversations: Conversations,
        clock: Clock,
        settings: ChatMemorySettings | None = None,
        enabled: bool = True,
    ) -> None:
        self._recall = recall
        self._ingest = ingest
        self._conversations = conversations
        self._clock = clock
        self._settings = settings or ChatMemorySettings()
        self._enabled = enabled
        self._background: set[asyncio.Task[bool]] = set()
        self.lost = 0

    async def prepare(
        self, caller: Caller, messages: tuple[Message, ...], *, idempotency_key: EventId | None = None
    ) -> Prepared:
        """Return what is recalled for this request; without a user, or switched off, nothing."""
        scope = caller.scope
        if not self._enabled or scope is None or caller.mode == "off":
            reason = "disabled" if not self._enabled else "no_user" if scope is None else "mode"
            return Prepared(scope=None, caller=caller, state="off", reason=reason)
        started = self._clock.monotonic()
        try:
            plan, recalled = await asyncio.gather(
                self._in_time(plan_turn(self._conversations, scope, caller, messages, idempotency_key=idempotency_key)),
                self._in_time(self._search(scope, caller, messages)),
            )
        except asyncio.CancelledError:  # the client is gone already: its turn is remembered all the same
            late = Prepared(
                scope=scope,
                caller=caller,
                messages=messages,
                idempotency_key=idempotency_key,
                state="degraded",
                is_planned=False,
            )
            self.remember_later(late, Answered(text=None, partial=True))
            raise
        hits, degraded = ([], True) if recalled is _LATE else (recalled.hits, recalled.degraded)
        planned = None if plan is _LATE else plan
        chosen = self._choose(hits, messages)
        block = planned.loop.block if planned and planned.loop and caller.reads else render_block(chosen)
        return Prepared(
            scope=scope,
            caller=caller,
            messages=messages,
            idempotency_key=idempotency_key,
            state="degraded" if degraded or plan is _LATE else "ok",
            plan=planned,
            is_planned=plan is not _LATE,
            block=block,
            recalled=tuple(_quoted(page) for page in chosen),
            tokens=estimate_tokens(block),
            ms=self._since(started),
        )

    async def remember(self, prepared: Prepared, answered: Answered) -> bool:
        """Make the exchange durable; return whether it is, waiting at most `store_wait_s` (it goes on after that).

        True as well when there was nothing to remember.
        """
        if prepared.scope is None or not prepared.caller.writes:
            return True
        task = self._start(self._store(prepared, answered))
        done, _ = await asyncio.wait({task}, timeout=self._settings.store_wait_s)
        return bool(done) and task.exception() is None and task.result()

    def remember_later(self, prepared: Prepared, answered: Answered) -> None:
        """Make an exchange durable without anybody waiting: its client is gone."""
        if prepared.scope is not None and prepared.caller.writes:
            self._start(self._store(prepared, answered))

    async def drain(self, *, timeout_s: float = 10.0) -> None:
        """Return when every exchange in hand is stored, or lost and counted; what hangs is given up after a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._background:
                    await asyncio.wait(self._background)
        for task in self._background:
            task.cancel()

    async def _search(self, scope: Scope, caller: Caller, messages: tuple[Message, ...]) -> Recalled:
        position = last_user_position(messages)
        text = remembered_text(messages[position]) if position is not None else ""
        if not text or not caller.reads:
            return Recalled(hits=[])
        return await self._recall.search_or_degrade(Question(scope=scope, text=text, agent_id=caller.agent_id))

    def _choose(self, hits: list[Hit], messages: tuple[Message, ...]) -> list[Page]:
        carried = {normalised(remembered_text(message)) for message in messages}
        fresh = [hit for hit in hits if normalised(hit.page.text) not in carried]
        budget = self._settings.budget_tokens - frame_tokens()
        return fit_to_budget(fresh[:MAX_PAGES], budget_tokens=budget, cost=line_tokens, min_score=MIN_SCORE)

    async def _store(self, prepared: Prepared, answered: Answered) -> bool:
        """Store the exchange; True when it is durable or there is nothing to store. A loss is counted and logged."""
        try:
            plan = prepared.plan if prepared.is_planned else await self._plan_again(prepared)
            event = _event(prepared, plan, answered, now=self._clock.now())
            is_new = event is not None and (await self._ingest.publish(event)).outcome == "new"
        except MemoryOSError as exc:
            self.lost += 1
            logger.bind(error=str(exc)).warning("exchange not remembered")
            return False
        work: list[Awaitable[None]] = []
        if event is not None and is_new:
            work += [self._ingest.keep_short_term(event), self._conversations.record(event)]
        if plan is not None and answered.opens_tool_loop:
            work.append(self._keep_loop(prepared, plan, event))
        await self._follow_up(work)
        return True

    async def _follow_up(self, work: Sequence[Awaitable[None]]) -> None:
        for outcome in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(outcome, MemoryOSError):  # the event is durable: the runner does it again when it applies it
                logger.bind(error=str(outcome)).debug("exchange not followed up yet")
            elif outcome is not None:
                raise outcome

    async def _keep_loop(self, prepared: Prepared, plan: TurnPlan, event: TurnsEvent | None) -> None:
        assert prepared.scope is not None  # noqa: S101 - remember() has looked
        said = remembered_text(prepared.messages[last_user_position(prepared.messages) or 0])
        steps = (*(plan.loop.steps if plan.loop else ()), *((event.event_id,) if event else ()))
        loop = ToolLoop(said=link(START, said), block=prepared.block, steps=steps)
        await self._conversations.keep_loop(prepared.scope, plan.session_id, plan.chain.hash, loop)

    async def _plan_again(self, prepared: Prepared) -> TurnPlan | None:
        assert prepared.scope is not None  # noqa: S101 - remember() has looked
        return await plan_turn(
            self._conversations,
            prepared.scope,
            prepared.caller,
            prepared.messages,
            idempotency_key=prepared.idempotency_key,
        )

    async def _in_time(self, work: Awaitable[_T]) -> "_T | _Late":
        try:
            async with asyncio.timeout(self._settings.recall_timeout_s):
                return await work
        except (TimeoutError, MemoryOSError) as exc:
            logger.bind(error=type(exc).__name__).debug("chat goes on without a part of memory")
            return _LATE

    def _start(self, work: Coroutine[Any, Any, bool]) -> asyncio.Task[bool]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[bool]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            self.lost += 1
            logger.opt(exception=exc).error("exchange not remembered")

    def _since(self, started: float) -> float:
        return (self._clock.monotonic() - started) * 1000


def _event(prepared: Prepared, plan: TurnPlan | None, answered: Answered, *, now: datetime) -> TurnsEvent | None:
    scope, caller = prepared.scope, prepared.caller
    if plan is None or scope is None:
        return None
    messages = [EventMessage(role=t.role, content=t.text, name=t.name, timestamp=now) for t in plan.new_turns]
    answer = clean_text(answered.text or "")
    if answer:
        messages.append(EventMessage(role="assistant", content=answer, timestamp=now))
    if not messages:
        return None
    return TurnsEvent(
        v=EVENT_VERSION,
        event_id=plan.event_id,
        tenant_id=scope.tenant_id,
        user_id=scope.user_id,
        agent_id=caller.agent_id,
        session_id=plan.session_id,
        messages=tuple(messages),
        source="chat",
        accepted_at=now,
        partial=answered.partial,
        chain=plan.chain,
        supersedes=plan.supersedes if answer else (),
    )


def _quoted(page: Page) -> str:
    return f"{page.name or page.role}: {page.text}"
