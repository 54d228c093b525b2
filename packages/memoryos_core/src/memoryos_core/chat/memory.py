"""The memory side of a chat: what is recalled for it before the model is asked, what is remembered of it after."""

import asyncio

import msgspec

from memoryos_core.caller import Caller
from memoryos_core.chat.conversations import Conversations
from memoryos_core.chat.deadline import LATE, Late, in_time
from memoryos_core.chat.exchange import Answered, Prepared
from memoryos_core.chat.recalling import ChatRecall
from memoryos_core.chat.remembering import ExchangeKeeper
from memoryos_core.chat.turn_plan import TurnPlan
from memoryos_core.consolidation.visits import Visits
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.preferences import Preferences
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.memory.block import render_block
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.recall import Recall, Recalled
from memoryos_core.safety.redaction import Redactor
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.clock import Clock
from memoryos_ports.ids import EventId, Scope
from memoryos_ports.llm import Message
from memoryos_ports.memory import Memory, only_pages


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
        redactor: Redactor | None = None,
        visits: Visits | None = None,
        refusals: Refusals | None = None,
        enabled: bool = True,
    ) -> None:
        self._settings = settings or ChatMemorySettings()
        self._recall = ChatRecall(
            recall=recall, clock=clock, redactor=redactor or Redactor(), budget_tokens=self._settings.budget_tokens
        )
        self._keeper = ExchangeKeeper(
            ingest=ingest, conversations=conversations, gate=gate or ScopeGate(), clock=clock, refusals=refusals
        )
        self._clock = clock
        self._preferences = preferences
        self._visits = visits
        self._enabled = enabled

    @property
    def lost(self) -> int:
        """How many exchanges were lost since the start."""
        return self._keeper.lost

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
            earlier=self._keeper.in_hand(scope),
        )
        prepared = await self._recalled(asked, until=until)
        return msgspec.structs.replace(prepared, ms=(self._clock.monotonic() - started) * 1000)

    async def remember(self, prepared: Prepared, answered: Answered) -> bool:
        """Make the exchange durable; return whether it is, waiting at most `store_wait_s` (it goes on after that).

        True as well when there was nothing to remember.
        """
        return await self._keeper.store(prepared, answered, wait_s=self._settings.store_wait_s)

    def remember_later(self, prepared: Prepared, answered: Answered) -> None:
        """Make an exchange durable without anybody waiting: its client is gone."""
        self._keeper.store_later(prepared, answered)

    async def drain(self, *, timeout_s: float = 10.0) -> None:
        """Return when every exchange in hand is stored, or lost and counted; what hangs is given up after a while."""
        await self._keeper.drain(timeout_s=timeout_s)

    async def _as_chosen(self, scope: Scope, caller: Caller, *, until: float) -> tuple[Caller, str | None]:
        """Return the caller as far as the user wants to be remembered, and why it is not the same.

        What is not known in time is taken to be allowed: it is looked at again before anything is applied.
        """
        if self._preferences is None or not caller.writes:
            return caller, None
        chosen = await in_time(self._preferences.get(scope), until=until)
        if chosen is LATE or chosen.remember:
            return caller, None
        return msgspec.structs.replace(caller, mode="read" if caller.reads else "off"), "remember_off"

    async def _recalled(self, asked: Prepared, *, until: float) -> Prepared:
        """Return the request with what memory brings to it in time."""
        try:
            plan, recalled = await self._plan_and_search(asked, until=until)
            known_plan = None if plan is LATE else plan
            found = await in_time(self._recall.memories(asked, known_plan, recalled), until=until)
        except asyncio.CancelledError:  # the client is gone already: its turn is remembered all the same
            self.remember_later(asked, Answered(text=None, partial=True))
            raise
        chosen: list[Memory] = [] if found is LATE else found
        block = render_block(chosen)
        is_whole = plan is not LATE and found is not LATE and not recalled.degraded
        if self._visits is not None and asked.scope is not None:
            self._visits.note(asked.scope, [page.id for page in only_pages(chosen)])
        return msgspec.structs.replace(
            asked,
            state="ok" if is_whole and not (known_plan and known_plan.away) else "degraded",
            plan=known_plan,
            is_planned=plan is not LATE,
            memories=tuple(chosen),
            block=block,
            tokens=estimate_tokens(block),
        )

    async def _plan_and_search(self, asked: Prepared, *, until: float) -> tuple[TurnPlan | Late | None, Recalled]:
        """Plan and search together; one after the other where a question of a sensitive conversation must not leave."""
        planning = in_time(self._keeper.plan(asked), until=until)
        if self._recall.embeds_locally:
            return await asyncio.gather(planning, self._search(asked, sensitive=asked.sensitive))
        plan = await planning
        known = asked.sensitive or plan is LATE or (plan is not None and (plan.sensitive or plan.away))
        return plan, await self._search(asked, sensitive=known)

    async def _search(self, asked: Prepared, *, sensitive: bool) -> Recalled:
        return await self._recall.search(asked, sensitive=sensitive, timeout_s=self._settings.recall_timeout_s)
