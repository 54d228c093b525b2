"""An exchange of a chat: what memory brought to it, what the model said, and the event that it becomes."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from memoryos_core.caller import Caller
from memoryos_core.chat.messages import clean_text
from memoryos_core.chat.turn_plan import TurnPlan
from memoryos_core.memory.block import render_block
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.events import EVENT_VERSION, EventMessage, TurnsEvent
from memoryos_ports.ids import EventId, Scope, derive_id
from memoryos_ports.llm import Message
from memoryos_ports.memory import Memory, Page

State: TypeAlias = Literal["ok", "degraded", "off"]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What memory brings to a request, and how the exchange will be remembered.

    `plan` None: it will not be, or, when `is_planned` is False, the plan did not come in time and is made later.
    `memories` are those that `block` quotes. `sensitive` says that the conversation must stay local, `earlier` are
    exchanges of the user that are being stored: a plan waits for them, since what they make known decides what is new.
    """

    scope: Scope | None
    caller: Caller
    state: State
    reason: str | None = None
    plan: TurnPlan | None = None
    is_planned: bool = True
    memories: tuple[Memory, ...] = ()
    block: str = ""
    tokens: int = 0
    ms: float = 0.0
    sensitive: bool = False
    messages: tuple[Message, ...] = ()
    idempotency_key: EventId | None = None
    earlier: tuple[asyncio.Task[bool], ...] = ()

    @property
    def recalled(self) -> tuple[str, ...]:
        """What was recalled, each page with its speaker."""
        return tuple(f"{m.name or m.role}: {m.text}" if isinstance(m, Page) else m.text for m in self.memories)

    def without(self, withheld: Callable[[Memory], bool]) -> "Prepared":
        """Return the same with a block that leaves out some of the memories."""
        kept = tuple(memory for memory in self.memories if not withheld(memory))
        if len(kept) == len(self.memories):
            return self
        block = render_block(kept)
        return msgspec.structs.replace(self, memories=kept, block=block, tokens=estimate_tokens(block))

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


def exchange_event(
    prepared: Prepared, plan: TurnPlan | None, answered: Answered, *, now: datetime
) -> TurnsEvent | None:
    """Return the event that makes an exchange durable, None when there is nothing new to remember."""
    scope, caller = prepared.scope, prepared.caller
    if plan is None or scope is None or plan.is_stored:
        return None
    messages = [EventMessage(role=t.role, content=t.text, name=t.name, timestamp=now) for t in plan.new_turns]
    answer = clean_text(answered.text or "")
    if answer:
        messages.append(EventMessage(role="assistant", content=answer, timestamp=now))
    if not messages:
        return None
    return TurnsEvent(
        v=EVENT_VERSION,
        event_id=_event_id(plan, answered, prepared.idempotency_key),
        tenant_id=scope.tenant_id,
        user_id=scope.user_id,
        agent_id=caller.agent_id,
        session_id=plan.session_id,
        messages=tuple(messages),
        source="chat",
        accepted_at=now,
        partial=answered.partial,
        sensitive=prepared.sensitive or plan.sensitive,
        chain=plan.chain,
        supersedes=plan.supersedes if answer else (),
    )


def _event_id(plan: TurnPlan, answered: Answered, key: EventId | None) -> EventId:
    """Return what the exchange is called: a cut one does not use up the client's key, so that its retry is stored."""
    return EventId(derive_id("partial", key)) if key and answered.partial else plan.event_id
