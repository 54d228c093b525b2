"""What is new in a conversation: which of its turns will be remembered, under which event_id."""

from collections.abc import Sequence

import msgspec

from memoryos_core.caller import Caller
from memoryos_core.chat.chain import UserTurn, user_turns
from memoryos_core.chat.conversations import Conversations, KnownConversation, KnownTurn, ToolLoop
from memoryos_core.chat.messages import last_user_position, remembered_text
from memoryos_ports.events import ChainLink
from memoryos_ports.ids import EventId, MemoryId, Scope, SessionId, derive_id
from memoryos_ports.llm import Message


class NewTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A turn of the request that is not remembered yet."""

    role: str
    text: str
    name: str | None = None


class TurnPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How an exchange will be remembered.

    `supersedes` are the pages of earlier answers to the same turn, what was said on the way in its tool loop apart.
    `loop` is the tool loop that this request goes on with: its block is used again byte for byte. `stored_as` is the
    event under which the user turn is remembered already, for an exchange that adds nothing. `sensitive` says that the
    conversation was sensitive before.
    """

    event_id: EventId
    session_id: SessionId
    chain: ChainLink
    new_turns: tuple[NewTurn, ...]
    supersedes: tuple[MemoryId, ...] = ()
    loop: ToolLoop | None = None
    stored_as: EventId | None = None
    sensitive: bool = False


async def plan_turn(
    conversations: Conversations,
    scope: Scope,
    caller: Caller,
    messages: Sequence[Message],
    *,
    idempotency_key: EventId | None = None,
) -> TurnPlan | None:
    """Return how the exchange that these messages ask for will be remembered.

    None when nothing can be: there is no user message, or the last one has no text.
    """
    session_id = caller.session_id
    turns = user_turns(messages)
    if not turns or turns[-1].position != last_user_position(messages):
        return None
    if session_id is not None and _is_lone(messages):
        turns = await _after_head(conversations, scope, session_id, messages, turns)
    known = await conversations.find(scope, [turn.hash for turn in turns], session_id)
    return _plan(scope, known, turns, messages, idempotency_key)


def _plan(
    scope: Scope,
    known: KnownConversation,
    turns: Sequence[UserTurn],
    messages: Sequence[Message],
    idempotency_key: EventId | None,
) -> TurnPlan:
    session_id = known.session_id or _new_session(scope, turns[0])
    prefix = _known_prefix(known, turns)
    newest, fresh = turns[-1], turns[prefix:]
    turn = known.turns.get(newest.hash) or KnownTurn()
    event_id = derive_id("exchange", session_id, newest.hash, turn.stored)
    loop = turn.loop if newest.position < len(messages) - 1 else None
    begin = 0 if prefix == 0 else fresh[0].position if fresh else len(messages)
    return TurnPlan(
        event_id=idempotency_key or EventId(event_id),
        session_id=session_id,
        chain=ChainLink(hash=newest.hash, passed=tuple(t.hash for t in fresh[:-1])),
        new_turns=_new_turns(messages[begin:]),
        supersedes=() if fresh else turn.answers(beside=loop.steps if loop else ()),
        loop=loop,
        stored_as=turn.exchanges[-1].event_id if turn.exchanges else None,
        sensitive=any(known.turns[t.hash].sensitive for t in turns if t.hash in known.turns),
    )


def _known_prefix(known: KnownConversation, turns: Sequence[UserTurn]) -> int:
    return max((i + 1 for i, turn in enumerate(turns) if turn.hash in known.turns), default=0)


def _new_turns(messages: Sequence[Message]) -> tuple[NewTurn, ...]:
    return tuple(
        NewTurn(role=message.role, text=text, name=message.name)
        for message in messages
        if message.role in ("user", "assistant") and (text := remembered_text(message))
    )


def _is_lone(messages: Sequence[Message]) -> bool:
    """Whether a client sends no history: one user message, with at most a tool loop after it."""
    roles = [message.role for message in messages if message.role not in ("system", "developer")]
    return roles[0] == "user" and roles.count("user") == 1


async def _after_head(
    conversations: Conversations,
    scope: Scope,
    session_id: SessionId,
    messages: Sequence[Message],
    turns: tuple[UserTurn, ...],
) -> tuple[UserTurn, ...]:
    """Return the lone turn chained to the newest one of its session, or that one when its tool loop goes on."""
    head = await conversations.head(scope, session_id)
    if turns[0].position == len(messages) - 1:
        return user_turns(messages, start=head)
    newest = (await conversations.find(scope, [head], session_id)).turns.get(head)
    goes_on = newest is not None and newest.loop is not None and newest.loop.said == turns[0].hash
    return (msgspec.structs.replace(turns[0], hash=head),) if goes_on else turns


def _new_session(scope: Scope, first: UserTurn) -> SessionId:
    return SessionId(derive_id("session", scope.tenant_id, scope.user_id, first.hash))
