"""What is new in a conversation: which of its turns will be remembered, under which event_id."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from memoryos_core.caller import Caller
from memoryos_core.chat.chain import UserTurn, user_turns
from memoryos_core.chat.conversations import Chains
from memoryos_core.chat.known_turns import KnownConversation, KnownTurn, ToolLoop
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
    conversation was sensitive before. `is_stored` says that the exchange of this event_id is stored: the request is a
    retry under the client's key, and of two answers the first stays. `away` says that this was planned without what is
    stored of it.
    """

    event_id: EventId
    session_id: SessionId
    chain: ChainLink
    new_turns: tuple[NewTurn, ...]
    supersedes: tuple[MemoryId, ...] = ()
    loop: ToolLoop | None = None
    stored_as: EventId | None = None
    sensitive: bool = False
    is_stored: bool = False
    away: bool = False


async def plan_turn(
    chains: Chains,
    scope: Scope,
    caller: Caller,
    messages: Sequence[Message],
    *,
    idempotency_key: EventId | None = None,
    away: datetime | None = None,
) -> TurnPlan | None:
    """Return how the exchange that these messages ask for will be remembered.

    None when nothing can be: there is no user message, or the last one has no text.

    `away` is the present moment when the document store is not there and `chains` are those of an outage
    (`unrecorded`). New is then at most what the user said after the last answer: what came before was stored when it
    was said, or, where the first contact falls into the outage, is not remembered. The event_id is another one than
    with the document store, since it is not known how many answers there were; asked again, also elsewhere, it is the
    same. A lone message may be the first of its session or a later one: it is known as the first, and as the first of
    a branch that nothing else can lie on, which the session goes on from.
    """
    session_id = caller.session_id
    turns = user_turns(messages)
    if not turns or turns[-1].position != last_user_position(messages):
        return None
    if session_id is not None and _is_lone(messages):
        turns = await _after_head(chains, scope, session_id, messages, turns, away=away)
    known = await chains.find(scope, [turn.hash for turn in turns], session_id)
    return _plan(scope, known, turns, messages, idempotency_key, away=away is not None)


def _plan(
    scope: Scope,
    known: KnownConversation,
    turns: Sequence[UserTurn],
    messages: Sequence[Message],
    idempotency_key: EventId | None,
    *,
    away: bool,
) -> TurnPlan:
    session_id = known.session_id or _new_session(scope, turns[0])
    prefix = _known_prefix(known, turns)
    newest, fresh = turns[-1], turns[prefix:]
    turn = known.turns.get(newest.hash) or KnownTurn()
    event_id = derive_id("exchange", session_id, newest.hash, *(["away"] if away else []), turn.stored)
    loop = turn.loop if newest.position < len(messages) - 1 else None
    begin = 0 if prefix == 0 else fresh[0].position if fresh else len(messages)
    begin = max(begin, _after_last_answer(messages, newest.position)) if away else begin
    is_stored = any(exchange.event_id == idempotency_key for exchange in turn.exchanges)
    return TurnPlan(
        event_id=idempotency_key or EventId(event_id),
        session_id=session_id,
        chain=ChainLink(hash=newest.hash, passed=tuple(t.hash for t in fresh[:-1] if t.position >= begin)),
        new_turns=() if is_stored else _new_turns(messages[begin:]),
        supersedes=() if fresh else turn.answers(beside=loop.steps if loop else ()),
        loop=loop,
        stored_as=turn.exchanges[-1].event_id if turn.exchanges else None,
        sensitive=any(known.turns[t.hash].sensitive for t in turns if t.hash in known.turns),
        is_stored=is_stored,
        away=away,
    )


def _after_last_answer(messages: Sequence[Message], newest: int) -> int:
    """Return where begins what the user said last; after the end when a tool loop about it is under way."""
    if any(message.tool_calls for message in messages[newest:]):
        return len(messages)
    return next((place + 1 for place in range(newest - 1, -1, -1) if messages[place].role == "assistant"), 0)


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
    chains: Chains,
    scope: Scope,
    session_id: SessionId,
    messages: Sequence[Message],
    turns: tuple[UserTurn, ...],
    *,
    away: datetime | None,
) -> tuple[UserTurn, ...]:
    """Return the lone turn chained to the newest one of its session, or that one when its tool loop goes on."""
    head = await chains.head(scope, session_id)
    if away is not None:
        branch = user_turns(messages, start=head or derive_id("away", session_id, away.isoformat()))
        return branch if head else (*turns, *branch)
    if turns[0].position == len(messages) - 1:
        return user_turns(messages, start=head)
    newest = (await chains.find(scope, [head], session_id)).turns.get(head)
    goes_on = newest is not None and newest.loop is not None and newest.loop.said == turns[0].hash
    return (msgspec.structs.replace(turns[0], hash=head),) if goes_on else turns


def _new_session(scope: Scope, first: UserTurn) -> SessionId:
    return SessionId(derive_id("session", scope.tenant_id, scope.user_id, first.hash))
