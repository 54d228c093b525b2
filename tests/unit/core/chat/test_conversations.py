"""What is known of conversations: found by their longest prefix, recorded in any order and as often as may be."""

import asyncio

import msgspec
import pytest

from memoryos_core.chat.conversations import CHAIN_KIND, EXCHANGES_KEPT, SESSION_KIND, TURN_KIND
from memoryos_core.chat.known_turns import Exchange, KnownTurn, ToolLoop
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.events import ChainLink, TurnsEvent
from memoryos_ports.ids import EventId, MemoryId, SessionId
from tests.support.makers import ANA, BOB, after, make_event, make_turn
from tests.support.memory_stack import MemoryStack

S1, S2 = SessionId("s1"), SessionId("s2")
LOOP = ToolLoop(said="h", recalled=(MemoryId("p1"),), steps=(EventId("e1"),))


async def test_an_unknown_conversation_has_no_session(stack: MemoryStack) -> None:
    known = await stack.conversations.find(ANA, ["h1"], None)
    assert (known.session_id, known.turns) == (None, {})
    assert await stack.conversations.head(ANA, S1) == ""


async def test_a_recorded_exchange_is_known_to_its_scope_only(stack: MemoryStack) -> None:
    event = make_exchange("e1", "h1")
    await stack.conversations.record(event)
    known = await stack.conversations.find(ANA, ["h1", "h2"], None)
    exchange = Exchange(event_id=event.event_id, accepted_at=event.accepted_at, answers=event.memory_ids[1:])
    assert (known.session_id, known.turns) == (S1, {"h1": KnownTurn(stored=1, exchanges=(exchange,))})
    assert (await stack.conversations.find(BOB, ["h1"], S1)).turns == {}
    assert (await stack.conversations.find(ANA, ["h1"], S2)).turns == {}


async def test_answers_of_the_history_belong_to_their_turns(stack: MemoryStack) -> None:
    turns = [make_turn(text, role=role) for role, text in HISTORY]
    event = make_event("e1", *turns, session_id=S1, chain=ChainLink(hash="h3", passed=("h1", "h2")))
    await stack.conversations.record(event)
    known = await stack.conversations.find(ANA, ["h1", "h2", "h3"], S1)
    pages = event.memory_ids
    answers = {hash_: known.turns[hash_].answers() for hash_ in ("h1", "h2", "h3")}
    assert answers == {"h1": tuple(sorted(pages[2:4])), "h2": (), "h3": (pages[6],)}


HISTORY = [
    ("assistant", "welcome"),
    ("user", "one"),
    ("assistant", "first"),
    ("assistant", "and more"),
    ("user", "two"),
    ("user", "three"),
    ("assistant", "last"),
]


async def test_the_head_of_a_session_is_its_newest_turn_whatever_the_order(stack: MemoryStack) -> None:
    for event in (make_exchange("e2", "h2", at=2), make_exchange("e1", "h1", at=1)):
        await stack.conversations.record(event)
    assert await stack.conversations.head(ANA, S1) == "h2"


@pytest.mark.parametrize("order", [1, -1])
async def test_a_turn_is_sensitive_when_one_of_its_exchanges_is(order: int, stack: MemoryStack) -> None:
    events = [make_exchange("e1", "h1"), msgspec.structs.replace(make_exchange("e2", "h1"), sensitive=True)]
    for event in events[::order]:
        await stack.conversations.record(event)
    await stack.conversations.record(make_exchange("e3", "h2"))
    known = await stack.conversations.find(ANA, ["h1", "h2"], S1)
    assert {hash_: turn.sensitive for hash_, turn in known.turns.items()} == {"h1": True, "h2": False}


@pytest.mark.parametrize("order", [1, -1])
async def test_an_exchange_that_is_marked_when_it_is_published_is_sensitive(order: int, stack: MemoryStack) -> None:
    """A chat records its event as it is, the runner as the rules of ingest have marked it."""
    event = make_exchange("e1", "h1")
    for recorded in [event, msgspec.structs.replace(event, sensitive=True)][::order]:
        await stack.conversations.record(recorded)
    turn = (await stack.conversations.find(ANA, ["h1"], S1)).turns["h1"]
    assert (turn.sensitive, turn.stored) == (True, 1)


async def test_an_event_that_is_no_chat_is_not_recorded(stack: MemoryStack) -> None:
    await stack.conversations.record(make_event("e1", session_id=S1))
    await stack.conversations.record(make_event("e2", chain=ChainLink(hash="h1")))
    assert await stack.conversations.head(ANA, S1) == ""


@pytest.mark.parametrize("order", [1, -1])
async def test_a_tool_loop_stays_whichever_comes_first(order: int, stack: MemoryStack) -> None:
    """The runner may apply an event before the chat has kept what it knows of its loop."""
    recorded, kept = make_exchange("e1", "h1"), (ANA, S1, "h1", LOOP)
    if order == 1:
        await stack.conversations.record(recorded)
    await stack.conversations.keep_loop(*kept)
    await stack.conversations.record(recorded)
    turn = (await stack.conversations.find(ANA, ["h1"], S1)).turns["h1"]
    assert (turn.loop, len(turn.exchanges)) == (LOOP, 1)
    assert turn.answers(beside=LOOP.steps) == ()


async def test_fifty_exchanges_recorded_at_once_are_all_known(stack: MemoryStack) -> None:
    events = [make_exchange(f"e{number}", "h1", at=number) for number in range(50)]
    async with asyncio.timeout(20):
        await asyncio.gather(*map(stack.conversations.record, events))
    turn = (await stack.conversations.find(ANA, ["h1"], S1)).turns["h1"]
    assert turn.stored == len(events)
    assert [exchange.event_id for exchange in turn.exchanges] == [event.event_id for event in events[-EXCHANGES_KEPT:]]


async def test_a_turn_that_is_answered_for_ever_stays_small(stack: MemoryStack) -> None:
    for number in range(EXCHANGES_KEPT + 3):
        await stack.conversations.record(make_exchange(f"e{number}", "h1", at=number))
    turn = (await stack.conversations.find(ANA, ["h1"], S1)).turns["h1"]
    assert (turn.stored, len(turn.answers())) == (EXCHANGES_KEPT + 3, EXCHANGES_KEPT)


def test_a_loop_that_was_kept_before_excerpts_can_still_be_read() -> None:
    kept = b'{"said": "h", "recalled": ["p1"], "steps": ["e1"]}'
    assert msgspec.json.decode(kept, type=ToolLoop) == LOOP


@pytest.mark.parametrize("kind", [TURN_KIND, CHAIN_KIND, SESSION_KIND])
async def test_a_document_that_cannot_be_read_is_an_error_of_ours(kind: str, stack: MemoryStack) -> None:
    await stack.conversations.record(make_exchange("e1", "h1"))
    for document in await stack.documents.list_documents(ANA, kind, limit=9):
        await stack.documents.put(ANA, kind, document.id, b"garbage")
    with pytest.raises(UpstreamProtocolError):
        await stack.conversations.record(make_exchange("e2", "h1"))
    with pytest.raises(UpstreamProtocolError):
        await _read_all(stack)


async def _read_all(stack: MemoryStack) -> None:
    await stack.conversations.find(ANA, ["h1"], None)
    await stack.conversations.head(ANA, S1)


def make_exchange(event_id: str, hash_: str, *, at: float = 0, session: SessionId = S1) -> TurnsEvent:
    """Return the event of a user turn and its answer."""
    turns = (make_turn("question"), make_turn("answer", role="assistant"))
    return make_event(event_id, *turns, at=after(at), session_id=session, chain=ChainLink(hash=hash_))
