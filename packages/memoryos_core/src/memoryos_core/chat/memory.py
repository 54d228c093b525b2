"""The memory side of a chat: what is recalled for it before the model is asked, what is remembered of it after."""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import suppress
from enum import Enum
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import msgspec
from loguru import logger

from memoryos_core.caller import Caller
from memoryos_core.chat.chain import START, link
from memoryos_core.chat.conversations import Conversations, ToolLoop
from memoryos_core.chat.exchange import Answered, Prepared, exchange_event
from memoryos_core.chat.messages import last_user_position, normalised, remembered_text
from memoryos_core.chat.turn_plan import TurnPlan, plan_turn
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.preferences import Preferences
from memoryos_core.memory.block import frame_tokens, line_tokens, render_block
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.pack import pack
from memoryos_core.memory.recall import Question, Recall, Recalled
from memoryos_core.ranking.knowledge import KnowledgeHit
from memoryos_core.ranking.ranker import Hit
from memoryos_core.tokens import CHARS_PER_TOKEN, estimate_tokens
from memoryos_ports.clock import Clock
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.events import TurnsEvent
from memoryos_ports.ids import EventId, Scope
from memoryos_ports.llm import Message
from memoryos_ports.memory import Memory, MemoryKind

MIN_COSINE = 0.1
"""Pages that are less near to the question than this, and share no word with it, do not enter a prompt: noise."""

MAX_PAGES = 20
"""The most pages that enter a prompt, however much room the budget leaves."""

_RECALLED: frozenset[MemoryKind] = frozenset({"page", "fact"})

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
        preferences: Preferences | None = None,
        gate: ScopeGate | None = None,
        enabled: bool = True,
    ) -> None:
        self._recall = recall
        self._ingest = ingest
        self._conversations = conversations
        self._clock = clock
        self._settings = settings or ChatMemorySettings()
        self._preferences = preferences
        self._gate = gate or ScopeGate()
        self._enabled = enabled
        self._storing: dict[Scope, set[asyncio.Task[bool]]] = {}
        self.lost = 0

    async def prepare(
        self,
        caller: Caller,
        messages: tuple[Message, ...],
        *,
        idempotency_key: EventId | None = None,
        sensitive: bool = False,
    ) -> Prepared:
        """Return what is recalled for this request; without a user, or switched off, nothing.

        `sensitive` marks what will be remembered of it.
        """
        scope = caller.scope
        if not self._enabled or scope is None or caller.mode == "off":
            reason = "disabled" if not self._enabled else "no_user" if scope is None else "mode"
            return Prepared(scope=None, caller=caller, state="off", reason=reason)
        started = self._clock.monotonic()
        until = asyncio.get_running_loop().time() + self._settings.recall_timeout_s
        caller, choice = await self._as_chosen(scope, caller, until=until)
        if caller.mode == "off":
            return Prepared(scope=None, caller=caller, state="off", reason=choice)
        asked = Prepared(
            scope=scope,
            caller=caller,
            state="degraded",
            reason=choice,
            is_planned=False,
            messages=messages,
            sensitive=sensitive,
            idempotency_key=idempotency_key,
            earlier=tuple(self._storing.get(scope, ())),
        )
        try:
            plan, recalled = await self._plan_and_search(asked, until=until)
            pages = await _in_time(self._memories(asked, plan, recalled), until=until)
        except asyncio.CancelledError:  # the client is gone already: its turn is remembered all the same
            self.remember_later(asked, Answered(text=None, partial=True))
            raise
        chosen = [] if pages is _LATE else pages
        block = render_block(chosen)
        return msgspec.structs.replace(
            asked,
            state="degraded" if recalled.degraded or plan is _LATE or pages is _LATE else "ok",
            plan=None if plan is _LATE else plan,
            is_planned=plan is not _LATE,
            memories=tuple(chosen),
            block=block,
            tokens=estimate_tokens(block),
            ms=self._since(started),
        )

    async def remember(self, prepared: Prepared, answered: Answered) -> bool:
        """Make the exchange durable; return whether it is, waiting at most `store_wait_s` (it goes on after that).

        True as well when there was nothing to remember.
        """
        if prepared.scope is None or not prepared.caller.writes:
            return True
        durable = asyncio.Event()
        task = self._start(prepared.scope, self._store(prepared, answered, durable))
        done, _ = await asyncio.wait({task}, timeout=self._settings.store_wait_s)
        if not done or task.cancelled() or task.exception() is not None:
            return durable.is_set()
        return task.result()

    def remember_later(self, prepared: Prepared, answered: Answered) -> None:
        """Make an exchange durable without anybody waiting: its client is gone."""
        if prepared.scope is not None and prepared.caller.writes:
            self._start(prepared.scope, self._store(prepared, answered, asyncio.Event()))

    async def drain(self, *, timeout_s: float = 10.0) -> None:
        """Return when every exchange in hand is stored, or lost and counted; what hangs is given up after a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while tasks := self._tasks():
                    await asyncio.wait(tasks)
        if hanging := self._tasks():
            for task in hanging:
                task.cancel()
            await asyncio.wait(hanging)

    async def _as_chosen(self, scope: Scope, caller: Caller, *, until: float) -> tuple[Caller, str | None]:
        """Return the caller as far as the user wants to be remembered, and why it is not the same.

        What is not known in time is taken to be allowed: it is looked at again before anything is applied.
        """
        if self._preferences is None or not caller.writes:
            return caller, None
        chosen = await _in_time(self._preferences.get(scope), until=until)
        if chosen is _LATE or chosen.remember:
            return caller, None
        return msgspec.structs.replace(caller, mode="read" if caller.reads else "off"), "remember_off"

    def _tasks(self) -> set[asyncio.Task[bool]]:
        return {task for tasks in self._storing.values() for task in tasks}

    async def _plan(self, prepared: Prepared) -> TurnPlan | None:
        assert prepared.scope is not None  # noqa: S101 - without a scope nobody plans
        if prepared.earlier:
            await asyncio.wait(prepared.earlier)
        key = prepared.idempotency_key
        return await plan_turn(
            self._conversations, prepared.scope, prepared.caller, prepared.messages, idempotency_key=key
        )

    async def _plan_and_search(self, asked: Prepared, *, until: float) -> "tuple[TurnPlan | _Late | None, Recalled]":
        """Plan and search together; one after the other where a question of a sensitive conversation must not leave."""
        planning = _in_time(self._plan(asked), until=until)
        if self._recall.embeds_locally:
            return await asyncio.gather(planning, self._search(asked, sensitive=asked.sensitive))
        plan = await planning
        known = asked.sensitive or plan is _LATE or (plan is not None and plan.sensitive)
        return plan, await self._search(asked, sensitive=known)

    async def _search(self, asked: Prepared, *, sensitive: bool) -> Recalled:
        position = last_user_position(asked.messages)
        text = remembered_text(asked.messages[position]) if position is not None else ""
        if not text or not asked.caller.reads or asked.scope is None:
            return Recalled()
        question = Question(
            scope=asked.scope,
            text=text,
            asked_at=self._clock.now(),
            agent_id=asked.caller.agent_id,
            kinds=_RECALLED,
            sensitive=sensitive,
        )
        return await self._recall.search_or_degrade(question, timeout_s=self._settings.recall_timeout_s)

    async def _memories(self, asked: Prepared, plan: "TurnPlan | _Late | None", recalled: Recalled) -> list[Memory]:
        """Return what the block quotes: in a tool loop what it quoted before, so that it stays byte for byte."""
        if isinstance(plan, TurnPlan) and plan.loop is not None and asked.scope is not None and asked.caller.reads:
            return await self._recall.memories(asked.scope, plan.loop.recalled)
        siblings = plan.supersedes if isinstance(plan, TurnPlan) else ()
        hits = [hit for hit in recalled.hits if hit.page.id not in siblings]
        return self._choose(hits, recalled.knowledge, asked.messages)

    def _choose(
        self, hits: Sequence[Hit], knowledge: Sequence[KnowledgeHit], messages: tuple[Message, ...]
    ) -> list[Memory]:
        budget = self._settings.budget_tokens - frame_tokens()
        carried = {normalised(remembered_text(message)) for message in messages} if hits else set()
        fresh = (
            hit
            for hit in hits
            if (hit.bm25 or hit.cosine >= MIN_COSINE)
            and len(hit.page.text) <= budget * CHARS_PER_TOKEN
            and normalised(hit.page.text) not in carried
        )
        return pack(list(islice(fresh, MAX_PAGES)), knowledge, budget_tokens=budget, cost=line_tokens)

    async def _store(self, prepared: Prepared, answered: Answered, durable: asyncio.Event) -> bool:
        """Store the exchange; True when it is durable or there is nothing to store. A loss is counted and logged.

        `durable` is set as soon as the log holds it; what follows makes it known to the next request at once.
        """
        assert prepared.scope is not None  # noqa: S101 - remember() has looked
        async with self._gate.writing(prepared.scope):
            return await self._store_now(prepared, answered, durable)

    async def _store_now(self, prepared: Prepared, answered: Answered, durable: asyncio.Event) -> bool:
        try:
            plan = prepared.plan if prepared.is_planned else await self._plan(prepared)
            event = exchange_event(prepared, plan, answered, now=self._clock.now())
            event = event and await self._ingest.completed(event)
            is_new = event is not None and (await self._ingest.publish(event)).outcome == "new"
        except MemoryOSError as exc:
            self._lose(str(exc))
            return False
        durable.set()
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
        recalled = tuple(memory.id for memory in prepared.memories)
        loop = ToolLoop(said=link(START, said), recalled=recalled, steps=steps)
        await self._conversations.keep_loop(prepared.scope, plan.session_id, plan.chain.hash, loop)

    def _start(self, scope: Scope, work: Coroutine[Any, Any, bool]) -> asyncio.Task[bool]:
        task = asyncio.create_task(work)
        self._storing.setdefault(scope, set()).add(task)
        task.add_done_callback(partial(self._finished, scope))
        return task

    def _finished(self, scope: Scope, task: asyncio.Task[bool]) -> None:
        tasks = self._storing[scope]
        tasks.discard(task)
        if not tasks:
            del self._storing[scope]
        if task.cancelled():
            self._lose("given up at the end of the process")
        elif (exc := task.exception()) is not None:
            self._lose("a fault of our own", exc)

    def _lose(self, error: str, exc: BaseException | None = None) -> None:
        self.lost += 1
        log = logger.bind(error=error).opt(exception=exc)
        (log.error if exc else log.warning)("exchange not remembered")

    def _since(self, started: float) -> float:
        return (self._clock.monotonic() - started) * 1000


async def _in_time(work: Awaitable[_T], *, until: float) -> "_T | _Late":
    """Return what the work gives, or that it was late; `until` is a moment of the loop's clock."""
    try:
        async with asyncio.timeout_at(until):
            return await work
    except (TimeoutError, MemoryOSError) as exc:
        logger.bind(error=type(exc).__name__).debug("chat goes on without a part of memory")
        return _LATE
