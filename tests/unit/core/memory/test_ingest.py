"""Taking turns in: durable once, applied as often as may be, and never under an id of another content."""

import asyncio
from contextlib import nullcontext

import msgspec
import pytest

from memoryos_adapters.relayed_events import RelayedEvents
from memoryos_core.consolidation.backlog import UNSORTED_KIND
from memoryos_core.memory.indexing import Indexer
from memoryos_core.memory.ingest import Ingest, pages_of
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.errors import EventIdReused, InvalidEvent, MemoryDisabled, NotFound, UpstreamUnavailable
from memoryos_ports.events import EventMessage, Receipt
from memoryos_ports.ids import EventId, Scope, SessionId, page_id
from memoryos_ports.memory import Source
from tests.support.makers import ANA, BOB, NOON, after, make_event, make_turn
from tests.support.memory_stack import MemoryStack

EVENT = make_event("e1", make_turn("tea?", name="Ana"), make_turn("green", role="assistant"))
OTHER = make_event("e1", "coffee?")


async def test_an_accepted_event_is_queued_and_then_stored(stack: MemoryStack) -> None:
    accepted = await stack.ingest.accept(EVENT)
    assert (accepted.state, accepted.memory_ids) == ("queued", EVENT.memory_ids)
    await stack.settle()
    receipt = await stack.ingest.receipt(ANA, EVENT.event_id)
    assert (receipt.state, receipt.memory_ids) == ("stored", EVENT.memory_ids)


async def test_pages_keep_every_word_of_their_event(stack: MemoryStack) -> None:
    turns = (make_turn("one", name="Ana", at=after(1)), make_turn("two", role="assistant", at=after(2)))
    event = make_event(
        "e1", *turns, session_id="s1", agent_id="a1", metadata={"k": [1]}, source="import", partial=True, sensitive=True
    )
    await stack.handlers.apply(event)
    first, second = await stack.pages()
    assert [(p.id, p.index, p.role, p.name, p.text, p.timestamp) for p in (first, second)] == [
        (event.memory_ids[0], 0, "user", "Ana", "one", after(1)),
        (event.memory_ids[1], 1, "assistant", None, "two", after(2)),
    ]
    assert (second.session_id, second.agent_id, second.metadata, second.source) == ("s1", "a1", {"k": [1]}, "import")
    assert (second.accepted_at, second.sensitive, first.partial, second.partial) == (NOON, True, False, True)


async def test_a_turn_follows_the_one_that_was_said_before_it_in_its_session(stack: MemoryStack) -> None:
    for number in range(2):
        await stack.ingest.accept(make_event(f"e{number}", "tea?", "green", session_id="s1", at=after(number)))
        await stack.ingest.accept(make_event(f"o{number}", "other", session_id="s2", at=after(number)))
        await stack.ingest.accept(make_event(f"n{number}", "alone", at=after(number)))
        if number == 0:
            await stack.settle()
    await stack.settle()
    said = {page.id: (page.event_id, page.index) for page in await stack.pages()}
    before = {said[page.id]: said[page.follows] if page.follows else None for page in await stack.pages()}
    assert before == {
        ("e0", 0): None,
        ("e0", 1): ("e0", 0),
        ("e1", 0): ("e0", 1),
        ("e1", 1): ("e1", 0),
        ("o0", 0): None,
        ("o1", 0): ("o0", 0),
        ("n0", 0): None,
        ("n1", 0): None,
    }


async def test_an_event_sent_again_does_not_follow_itself(stack: MemoryStack) -> None:
    event = make_event("e1", "tea?", session_id="s1")
    await stack.ingest.accept(event)
    assert (await stack.ingest.completed(event)).follows is None


async def test_without_short_term_memory_a_turn_is_kept_and_follows_none(stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e1", "tea?", session_id="s1"))
    stack.faults.short_term.fail("recent")
    await stack.ingest.accept(make_event("e2", "green", session_id="s1", at=after(1)))
    await stack.settle()
    assert [(page.text, page.follows) for page in await stack.pages()] == [("tea?", None), ("green", None)]


async def test_defect_a_page_is_never_stored_twice(stack: MemoryStack) -> None:
    for _ in range(2):
        await stack.ingest.accept(EVENT)
    await asyncio.gather(*(stack.handlers.apply(EVENT) for _ in range(5)))
    await stack.settle()
    assert [page.id for page in await stack.pages()] == [*EVENT.memory_ids]


async def test_fifty_times_the_same_event_at_once_is_one(stack: MemoryStack) -> None:
    receipts = await asyncio.gather(*(stack.ingest.accept(EVENT, check_pages=True) for _ in range(50)))
    assert {receipt.memory_ids for receipt in receipts} == {EVENT.memory_ids}
    assert (await stack.events.stats()).length == 1


async def test_the_same_event_id_with_other_content_is_refused_and_changes_nothing(stack: MemoryStack) -> None:
    await stack.ingest.accept(EVENT)
    for _ in range(2):
        with pytest.raises(EventIdReused) as caught:
            await stack.ingest.accept(OTHER)
        assert caught.value.event_id == "e1"
        await stack.settle()
    assert [page.text for page in await stack.pages()] == ["tea?", "green"]


@pytest.mark.parametrize("turns", [("coffee?",), ("coffee?", "black", "with sugar")], ids=["fewer", "more"])
async def test_a_delivery_with_other_content_is_no_event_and_leaves_nothing(
    turns: tuple[str, ...], stack: MemoryStack
) -> None:
    await stack.handlers.apply(EVENT)
    for _ in range(2):
        with pytest.raises(InvalidEvent, match="'e1' was already used with other content"):
            await stack.handlers.apply(make_event("e1", *turns))
    assert [page.text for page in await stack.pages()] == ["tea?", "green"]
    assert await stack.short_term.unindexed(ANA, limit=9) == []
    assert len(await stack.documents.list_documents(ANA, UNSORTED_KIND, limit=9)) == 1


async def test_a_delivery_with_other_content_does_not_take_the_place_in_short_term_memory(stack: MemoryStack) -> None:
    first = make_event("e1", "tea?", session_id="s1")
    await stack.handlers.apply(first)
    await stack.short_term.erase(ANA)  # as if it had been long ago
    with pytest.raises(InvalidEvent):
        await stack.handlers.apply(make_event("e1", "coffee?", "black", session_id="s1"))
    assert [page.text for page in await stack.short_term.recent(ANA, SessionId("s1"), limit=9)] == ["tea?"]


@pytest.mark.parametrize("source", ["api", "chat"])
async def test_short_term_memory_that_took_the_other_content_in_first_is_mended(
    stack: MemoryStack, source: Source
) -> None:
    """Two workers at the same time: one's words reach short-term memory first, the other's the index."""
    winner = make_event("e1", "tea?", "green", session_id="s1", source=source)
    loser = make_event("e1", "coffee?", "black", "sweet", session_id="s1", source=source)
    await stack.short_term.append(pages_of(loser))
    await stack.storage.insert(await Indexer(stack.embedder).entries(pages_of(winner)))
    with nullcontext() if source == "chat" else pytest.raises(InvalidEvent):
        await stack.ingest.apply(loser)
    assert [page.text for page in await stack.short_term.recent(ANA, SessionId("s1"), limit=9)] == ["tea?", "green"]
    assert await stack.short_term.unindexed(ANA, limit=9) == []
    assert [page.text for page in await stack.pages()] == ["tea?", "green"]


async def test_a_content_that_comes_too_late_takes_nothing_of_the_first_from_short_term_memory(
    stack: MemoryStack,
) -> None:
    """The first may still be at its later pages."""
    winner, loser = make_event("e1", "tea?", "green", session_id="s1"), make_event("e1", "coffee?", "black")
    await stack.short_term.append(pages_of(winner))
    await stack.storage.insert(await Indexer(stack.embedder).entries(pages_of(winner)[:1]))
    with pytest.raises(InvalidEvent):
        await stack.ingest.apply(loser)
    await stack.ingest.apply(winner)
    assert [page.text for page in await stack.short_term.recent(ANA, SessionId("s1"), limit=9)] == ["tea?", "green"]
    assert [page.text for page in await stack.pages()] == ["tea?", "green"]


async def test_of_two_answers_of_a_chat_the_first_stays_and_nobody_is_told(stack: MemoryStack) -> None:
    for answer in ("green", "black", "green"):
        turns = (make_turn("tea?"), make_turn(answer, role="assistant"))
        await stack.handlers.apply(make_event("e1", *turns, source="chat"))
    assert [page.text for page in await stack.pages()] == ["tea?", "green"]


async def test_delivered_again_after_an_edit_or_a_deletion_is_no_other_content(stack: MemoryStack) -> None:
    await stack.handlers.apply(EVENT)
    question, answer = await stack.pages()
    edited = msgspec.structs.replace(question, text="coffee?")
    await stack.storage.put(await Indexer(stack.embedder).entries([edited]))
    await stack.library.delete(ANA, answer.id)
    await stack.handlers.apply(EVENT)
    assert [page.text for page in await stack.pages()] == ["coffee?"]


async def test_what_is_new_is_not_looked_at_again(stack: MemoryStack) -> None:
    looked = stack.faults.storage.watch("get")
    await stack.ingest.apply(EVENT)
    assert not looked.is_set()


async def test_other_times_are_not_other_content(stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e1", "tea"))
    await stack.ingest.accept(make_event("e1", "tea", at=after(60)))
    assert (await stack.events.stats()).length == 1


async def test_two_users_may_use_the_same_event_id(stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e1", "Ana's tea"))
    await stack.ingest.accept(make_event("e1", "Bob's tea", scope=BOB))
    await stack.settle()
    assert [page.text for page in await stack.pages()] == ["Ana's tea"]
    assert [page.text for page in await stack.pages(BOB)] == ["Bob's tea"]


async def test_a_purged_receipt_is_answered_from_the_pages(stack: MemoryStack) -> None:
    await store_and_purge(stack)
    receipt = await stack.ingest.receipt(ANA, EVENT.event_id)
    assert (receipt.state, receipt.memory_ids) == ("stored", EVENT.memory_ids)
    assert await stack.ingest.accept(EVENT, check_pages=True) == receipt
    assert (await stack.events.stats()).length == 0


async def test_the_receipt_of_a_dead_letter_that_was_mended_tells_its_pages(stack: MemoryStack) -> None:
    """While it was dead nobody could read how many turns it has."""

    class Mended(RelayedEvents):
        async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
            return Receipt(event_id=event_id, state="stored", memory_ids=())

    await stack.handlers.apply(EVENT)
    ingest = Ingest(
        events=Mended(stack.events), short_term=stack.short_term, storage=stack.storage, embedder=stack.embedder
    )
    assert (await ingest.receipt(ANA, EVENT.event_id)).memory_ids == EVENT.memory_ids
    assert (await ingest.receipt(ANA, EventId("erased"))).memory_ids == ()


async def test_a_purged_event_id_with_other_content_is_still_refused(stack: MemoryStack) -> None:
    await store_and_purge(stack)
    with pytest.raises(EventIdReused):
        await stack.ingest.accept(OTHER, check_pages=True)


async def test_an_index_that_is_down_stops_no_write(stack: MemoryStack) -> None:
    stack.faults.storage.fail("*")
    assert (await stack.ingest.accept(EVENT, check_pages=True)).state == "queued"


async def test_short_term_memory_that_is_down_stops_no_write(stack: MemoryStack) -> None:
    """The event is durable: refusing it would make a client without an event_id store it twice."""
    stack.faults.short_term.fail("append")
    assert (await stack.ingest.accept(EVENT)).state == "queued"
    stack.faults.short_term.mend()
    await stack.settle()
    assert len(await stack.pages()) == 2


async def test_a_log_that_refuses_is_heard(stack: MemoryStack) -> None:
    stack.faults.events.fail("publish", error=MemoryDisabled())
    with pytest.raises(MemoryDisabled):
        await stack.ingest.accept(EVENT)
    assert await stack.short_term.unindexed(ANA, limit=9) == []


async def test_many_pages_are_all_told_after_a_purge(stack: MemoryStack) -> None:
    event = make_event("e1", *(f"turn {number}" for number in range(130)))
    await stack.handlers.apply(event)
    assert (await stack.ingest.receipt(ANA, event.event_id)).memory_ids == event.memory_ids


async def test_an_event_of_another_user_is_not_found(stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("of-ana"))
    with pytest.raises(NotFound):
        await stack.ingest.receipt(BOB, EventId("of-ana"))


async def test_settled_waits_until_an_event_is_stored(stack: MemoryStack) -> None:
    accepted = await stack.ingest.accept(EVENT)
    async with asyncio.timeout(5):
        waiting = asyncio.create_task(stack.ingest.settled(EVENT, accepted, timeout_s=5))
        await stack.settle()
        stored = await waiting
    assert stored.state == "stored"
    assert await stack.ingest.settled(EVENT, stored, timeout_s=5) is stored


async def test_settled_tells_what_it_knows_when_time_is_up(stack: MemoryStack) -> None:
    accepted = await stack.ingest.accept(EVENT)
    assert (await stack.ingest.settled(EVENT, accepted, timeout_s=0)).state == "queued"


async def test_an_embedder_that_is_down_leaves_the_turn_for_later(stack: MemoryStack) -> None:
    stack.faults.embedder.fail("embed")
    with pytest.raises(UpstreamUnavailable):
        await stack.ingest.apply(EVENT)
    stack.faults.embedder.mend()
    await stack.ingest.apply(EVENT)
    assert [page.id for page in await stack.pages()] == [page_id(ANA, EVENT.event_id, index) for index in (0, 1)]


SECRET_TURNS = {
    "the first": (make_turn("about Project Tulip"), make_turn("well", role="assistant")),
    "the answer": (make_turn("what is it called?"), make_turn("PROJECT\nTULIP", role="assistant")),
    "escaped": (make_turn("hi"), make_turn('{"note": "\\u673a\\u5bc6"}', role="assistant")),
    "the name of its speaker": (make_turn("hi", name="Project Tulip"), make_turn("well", role="assistant")),
    "a phrase over two turns": (make_turn("about Project"), make_turn("Tulip, you mean?", role="assistant")),
    "a word over two turns": (make_turn("about Project Tu"), make_turn("lip, you mean?", role="assistant")),
    "a word over two turns of people with names": (make_turn("机", name="Ana"), make_turn("密", name="Bob")),
    "the whole of a turn": (make_turn("hi"), make_turn("PIN 1234", role="assistant")),
}
HARMLESS_TURNS = {
    "likenesses": (make_turn("a project about tulips"), make_turn("well", name="Tulip")),
    "a part of a turn": (make_turn("hi"), make_turn("my PIN 1234", role="assistant")),
}


@pytest.mark.parametrize("turns", SECRET_TURNS.values(), ids=SECRET_TURNS)
async def test_one_sensitive_turn_marks_all_pages_of_its_event(
    turns: tuple[EventMessage, ...], stack: MemoryStack
) -> None:
    ingest = with_rules(stack)
    await ingest.accept(make_event("e1", *turns))
    assert [page.sensitive for page in await stack.short_term.unindexed(ANA, limit=9)] == [True, True]
    (event,) = await stack.take()
    assert event.sensitive, "the log holds the mark as well"
    await stack.ingest.apply(event)
    assert [page.sensitive for page in await stack.pages()] == [True, True], "whatever the rules say by then"


async def test_an_exchange_that_is_published_alone_is_marked_too(stack: MemoryStack) -> None:
    """The way of a chat, whose answer may be sensitive where the question was not."""
    ingest = with_rules(stack)
    event = await ingest.completed(make_event("e1", "about Project Tulip"))
    await ingest.publish(event)
    await ingest.keep_short_term(event)
    assert [page.sensitive for page in await stack.short_term.unindexed(ANA, limit=9)] == [True]
    assert [queued.sensitive for queued in await stack.take()] == [True]


async def test_what_somebody_marked_stays_marked_without_any_rule(stack: MemoryStack) -> None:
    event = make_event("e1", "tea", sensitive=True)
    await stack.ingest.accept(event)
    await stack.settle()
    assert [page.sensitive for page in await stack.pages()] == [True]


async def test_an_event_of_before_the_rules_is_marked_when_it_is_applied(stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e1", "about Project Tulip"))
    (event,) = await stack.take()
    assert not event.sensitive
    await with_rules(stack).apply(event)
    assert [page.sensitive for page in await stack.pages()] == [True]


@pytest.mark.parametrize("turns", HARMLESS_TURNS.values(), ids=HARMLESS_TURNS)
async def test_what_is_harmless_is_not_marked(turns: tuple[EventMessage, ...], stack: MemoryStack) -> None:
    await with_rules(stack).accept(make_event("e1", *turns))
    await stack.settle()
    assert [page.sensitive for page in await stack.pages()] == [False, False]


async def test_the_mark_is_no_other_content(stack: MemoryStack) -> None:
    event = make_event("e1", "about Project Tulip")
    first = await stack.ingest.accept(event)
    again = await with_rules(stack).accept(event, check_pages=True)
    assert again.memory_ids == first.memory_ids
    assert (await stack.events.stats()).length == 1


def with_rules(stack: MemoryStack) -> Ingest:
    """Return an ingest over the stores of a stack that knows what is sensitive."""
    return Ingest(
        events=stack.events,
        short_term=stack.short_term,
        storage=stack.storage,
        embedder=stack.embedder,
        sensitive=SensitiveRules(["Project Tulip", "机密", r"/^pin \d{4}$/"]),
    )


async def store_and_purge(stack: MemoryStack) -> None:
    """Apply the event, and forget its receipt."""
    await stack.ingest.accept(EVENT)
    await stack.settle()
    assert await stack.events.purge(before=after(3600)) == 1
    assert await stack.events.receipt(ANA, EVENT.event_id) is None
