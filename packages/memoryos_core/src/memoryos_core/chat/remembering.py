"""What is stored of a chat: exchanges become durable while nobody waits for long, and what is lost is counted.

The event log alone decides what is lost: while the other stores are away exchanges are planned and kept in mind as
`unrecorded` tells.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from loguru import logger

from memoryos_core.chat.chain import START, link
from memoryos_core.chat.conversations import Conversations
from memoryos_core.chat.exchange import Answered, Prepared, exchange_event
from memoryos_core.chat.known_turns import ToolLoop
from memoryos_core.chat.messages import last_user_position, remembered_text
from memoryos_core.chat.turn_plan import TurnPlan, plan_turn
from memoryos_core.chat.unrecorded import Unrecorded
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.memory.excerpt import Excerpt
from memoryos_core.memory.ingest import Ingest
from memoryos_ports.clock import Clock
from memoryos_ports.errors import MemoryOSError, UpstreamError
from memoryos_ports.events import TurnsEvent
from memoryos_ports.ids import Scope


class ExchangeKeeper:
    """Stores exchanges in tasks of its own, one set for each user."""

    def __init__(
        self,
        *,
        ingest: Ingest,
        conversations: Conversations,
        gate: ScopeGate,
        clock: Clock,
        refusals: Refusals | None = None,
    ) -> None:
        self._ingest = ingest
        self._conversations = conversations
        self._unrecorded = Unrecorded(refusals)
        self._gate = gate
        self._clock = clock
        self._storing: dict[Scope, set[asyncio.Task[bool]]] = {}
        self.lost = 0

    def in_hand(self, scope: Scope) -> tuple[asyncio.Task[bool], ...]:
        """Return the exchanges of a user that are being stored."""
        return tuple(self._storing.get(scope, ()))

    async def plan(self, prepared: Prepared) -> TurnPlan | None:
        """Return what of a request is new and where it belongs, once the exchanges before it are stored.

        While the document store is away it is planned by what this process knows (`TurnPlan.away`).
        """
        scope, key = prepared.scope, prepared.idempotency_key
        assert scope is not None  # noqa: S101 - without a scope nobody plans
        if prepared.earlier:
            await asyncio.wait(prepared.earlier)
        plan = partial(plan_turn, scope=scope, caller=prepared.caller, messages=prepared.messages, idempotency_key=key)
        try:
            await self._unrecorded.catch_up(scope, self._conversations)
            return await plan(self._conversations)
        except UpstreamError as exc:
            logger.bind(error=str(exc)).debug("exchange planned without what is stored")
            return await plan(self._unrecorded.chains, away=self._clock.now())

    async def store(self, prepared: Prepared, answered: Answered, *, wait_s: float) -> bool:
        """Make the exchange durable; return whether it is, waiting at most `wait_s` (it goes on after that).

        True as well when there was nothing to remember.
        """
        if prepared.scope is None or not prepared.caller.writes:
            return True
        durable = asyncio.Event()
        task = self._start(prepared.scope, self._store(prepared, answered, durable))
        done, _ = await asyncio.wait({task}, timeout=wait_s)
        if not done or task.cancelled() or task.exception() is not None:
            return durable.is_set()
        return task.result()

    def store_later(self, prepared: Prepared, answered: Answered) -> None:
        """Make an exchange durable without anybody waiting."""
        if prepared.scope is not None and prepared.caller.writes:
            self._start(prepared.scope, self._store(prepared, answered, asyncio.Event()))

    async def drain(self, *, timeout_s: float) -> None:
        """Return when every exchange in hand is stored, or lost and counted; what hangs is given up after a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while tasks := self._tasks():
                    await asyncio.wait(tasks)
        if hanging := self._tasks():
            for task in hanging:
                task.cancel()
            await asyncio.wait(hanging)

    def _tasks(self) -> set[asyncio.Task[bool]]:
        return {task for tasks in self._storing.values() for task in tasks}

    async def _store(self, prepared: Prepared, answered: Answered, durable: asyncio.Event) -> bool:
        """Store the exchange; True when it is durable or there is nothing to store. A loss is counted and logged.

        `durable` is set as soon as the log holds it; what follows makes it known to the next request at once.
        """
        assert prepared.scope is not None  # noqa: S101 - whoever starts it has looked
        async with self._gate.writing(prepared.scope):
            return await self._store_now(prepared, answered, durable)

    async def _store_now(self, prepared: Prepared, answered: Answered, durable: asyncio.Event) -> bool:
        try:
            plan = await self._final_plan(prepared)
            event = exchange_event(prepared, plan, answered, now=self._clock.now())
            event = event and await self._ingest.completed(event)
            is_new = event is not None and (await self._ingest.publish(event)).outcome == "new"
        except MemoryOSError as exc:
            self._lose(str(exc))
            return False
        durable.set()
        work: list[Awaitable[None]] = []
        if event is not None and is_new:
            work += [self._ingest.keep_short_term(event), self._record(event)]
        if plan is not None and answered.opens_tool_loop:
            work.append(self._keep_loop(prepared, plan, event))
        await _follow_up(work)
        return True

    async def _final_plan(self, prepared: Prepared) -> TurnPlan | None:
        """Return the plan that counts: one that was late, or made in an outage, is made again, and keeps its name."""
        early = prepared.plan
        if prepared.is_planned and not (early and early.away):
            return early
        plan = await self.plan(prepared)
        if plan is None or early is None:
            return plan
        return early if plan.away else msgspec.structs.replace(plan, event_id=early.event_id)

    async def _record(self, event: TurnsEvent) -> None:
        try:
            await self._conversations.record(event)
        except MemoryOSError:
            await self._unrecorded.note(event)
            raise

    async def _keep_loop(self, prepared: Prepared, plan: TurnPlan, event: TurnsEvent | None) -> None:
        assert prepared.scope is not None  # noqa: S101 - whoever starts it has looked
        said = remembered_text(prepared.messages[last_user_position(prepared.messages) or 0])
        steps = (*(plan.loop.steps if plan.loop else ()), *((event.event_id,) if event else ()))
        recalled = tuple(memory.id for memory in prepared.memories)
        spans = {memory.id: memory.span for memory in prepared.memories if isinstance(memory, Excerpt)}
        loop = ToolLoop(said=link(START, said), recalled=recalled, steps=steps, spans=spans)
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


async def _follow_up(work: Sequence[Awaitable[None]]) -> None:
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, MemoryOSError):  # the event is durable: the runner does it again when it applies it
            logger.bind(error=str(outcome)).debug("exchange not followed up yet")
        elif outcome is not None:
            raise outcome
