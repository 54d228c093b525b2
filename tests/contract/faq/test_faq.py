"""What every FAQ memory promises, and what the one of documents does besides."""

import asyncio
import math
import sys
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.faq.documents import KIND, DocumentFaq
from memoryos_adapters.faq.noop import NoopFaq
from memoryos_ports.documents import Document, DocumentStore
from memoryos_ports.errors import MemoryDisabled, UpstreamError, UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.faq import FaqEntry, FaqMatch, FaqMemory
from memoryos_ports.ids import Scope, TenantId, UserId
from tests.contract.faq.memories import Shelf, open_documents

ACME, OTHER = TenantId("acme"), TenantId("other")
FRESH_S = 5.0
OPENING = FaqEntry(id="opening", question="When do you open?", answer="At nine.", approved=True)
PARKING = FaqEntry(id="parking", question="Where can I park my car?", answer="Behind the house.", approved=True)


def entry(id_: str, question: str, answer: str = "Yes.", *, approved: bool = True) -> FaqEntry:
    """Return an entry."""
    return FaqEntry(id=id_, question=question, answer=answer, approved=approved)


async def found(faq: FaqMemory, question: str, tenant: TenantId = ACME) -> FaqEntry | None:
    """Return the entry that is nearest to a question."""
    match = await faq.match(tenant, question)
    return None if match is None else match.entry


# --- all of them


async def test_it_is_a_faq_memory(any_faq: FaqMemory) -> None:
    assert isinstance(any_faq, FaqMemory)


async def test_who_has_no_entries_finds_none(any_faq: FaqMemory) -> None:
    assert await any_faq.match(ACME, "When do you open?") is None
    assert await any_faq.match(ACME, "") is None


async def test_deleting_what_is_not_there_says_so(any_faq: FaqMemory) -> None:
    assert await any_faq.delete(ACME, "opening") is False


async def test_noop_refuses_to_keep_anything() -> None:
    with pytest.raises(MemoryDisabled):
        await NoopFaq().put(ACME, OPENING)


# --- those that keep entries


async def test_the_same_question_is_as_near_as_can_be(faq: FaqMemory) -> None:
    await faq.put(ACME, OPENING)
    match = await faq.match(ACME, "When do you open?")
    assert match is not None
    assert match.entry == OPENING
    assert match.similarity == pytest.approx(1.0, abs=1e-5)


async def test_the_nearest_question_is_found(faq: FaqMemory) -> None:
    for one in (OPENING, PARKING):
        await faq.put(ACME, one)
    assert await found(faq, "when do you open on Sundays?") == OPENING
    assert await found(faq, "can I park my car here?") == PARKING


async def test_a_far_question_is_told_to_be_far(faq: FaqMemory) -> None:
    """Whether that is near enough is not decided here."""
    await faq.put(ACME, OPENING)
    match = await faq.match(ACME, "unrelated words entirely")
    assert match is not None
    assert -1.0 <= match.similarity < 0.5


async def test_only_what_is_approved_is_ever_given(faq: FaqMemory) -> None:
    await faq.put(ACME, entry("draft", "When do you open?", "Never!", approved=False))
    assert await faq.match(ACME, "When do you open?") is None
    await faq.put(ACME, PARKING)
    assert await found(faq, "When do you open?") == PARKING


async def test_entries_of_one_tenant_never_show_in_another(faq: FaqMemory) -> None:
    await faq.put(ACME, OPENING)
    assert await faq.match(OTHER, "When do you open?") is None
    await faq.put(OTHER, entry("opening", "When do you open?", "At ten."))
    assert (await found(faq, "When do you open?"), await found(faq, "When do you open?", OTHER)) == (
        OPENING,
        entry("opening", "When do you open?", "At ten."),
    )
    assert await faq.delete(OTHER, "opening")
    assert not await faq.delete(OTHER, "opening")
    assert await found(faq, "When do you open?") == OPENING


async def test_writing_puts_an_entry_in_the_place_of_the_old_one(faq: FaqMemory) -> None:
    await faq.put(ACME, OPENING)
    assert await found(faq, "When do you open?") == OPENING
    later = msgspec.structs.replace(OPENING, answer="At ten.")
    await faq.put(ACME, later)
    assert await found(faq, "When do you open?") == later
    moved = msgspec.structs.replace(OPENING, question="Where can I park my car?")
    await faq.put(ACME, moved)
    match = await faq.match(ACME, "Where can I park my car?")
    assert match is not None
    assert match.similarity == pytest.approx(1.0, abs=1e-5), "the vector is that of the new question"


async def test_an_approval_that_is_taken_back_holds_at_once(faq: FaqMemory) -> None:
    await faq.put(ACME, OPENING)
    assert await found(faq, "When do you open?") == OPENING
    await faq.put(ACME, msgspec.structs.replace(OPENING, approved=False))
    assert await faq.match(ACME, "When do you open?") is None


async def test_what_is_deleted_is_not_given_any_more(faq: FaqMemory) -> None:
    await faq.put(ACME, OPENING)
    assert await found(faq, "When do you open?") == OPENING
    assert await faq.delete(ACME, "opening") is True
    assert await faq.match(ACME, "When do you open?") is None
    assert await faq.delete(ACME, "opening") is False


async def test_two_entries_with_the_same_question_give_the_same_answer_every_time(faq: FaqMemory) -> None:
    for id_ in ("a", "c", "b"):
        await faq.put(ACME, entry(id_, "When do you open?", id_))
    answers = {str(await found(faq, "When do you open?")) for _ in range(3)}
    assert len(answers) == 1


async def test_many_entries_are_all_looked_at(faq: FaqMemory) -> None:
    """More than two pages of documents; those that are asked for stand first, last and beside the borders."""
    asked = {0: "alpha", 199: "beta", 200: "gamma", 399: "delta", 400: "omega"}
    for number in range(401):
        await faq.put(ACME, entry(f"e{number:04}", asked.get(number, "filler"), str(number)))
    for number, question in asked.items():
        one = await found(faq, question)
        assert one is not None
        assert one.answer == str(number)


async def test_texts_of_every_kind_come_back_as_they_were(faq: FaqMemory) -> None:
    odd = entry("#1 /'\"%_", "什么时候开门\n\u2028", "九点。\x00 <b>\U0001f600</b>")
    await faq.put(ACME, odd)
    assert await found(faq, "什么时候开门") == odd


async def test_a_question_without_words_is_near_to_nothing_but_itself(faq: FaqMemory) -> None:
    await faq.put(ACME, OPENING)
    match = await faq.match(ACME, "")
    assert match is not None
    assert match.similarity < 0.1


ENTRIES = st.dictionaries(
    st.sampled_from("abcd"),
    st.tuples(st.sampled_from(["open today", "park car", "pay by card", "open late"]), st.booleans()),
    max_size=4,
)


@given(entries=ENTRIES, question=st.sampled_from(["open", "park my car", "pay", "open late today"]))
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_the_match_is_the_best_of_all_that_is_approved(entries: dict[str, tuple[str, bool]], question: str) -> None:
    async def go() -> tuple[FaqMatch | None, list[float]]:
        async with open_documents() as memory:
            for id_, (text, approved) in entries.items():
                await memory.put(ACME, entry(id_, text, approved=approved))
            asked, *vectors = await HashedEmbedder().embed([question, *(t for t, ok in entries.values() if ok)])
            cosines = [sum(x * y for x, y in zip(asked, vector, strict=True)) for vector in vectors]
            return await memory.match(ACME, question), cosines

    match, cosines = asyncio.run(go())
    assert (match is None) is (cosines == [])
    if match is not None:
        assert match.entry.approved
        assert math.isclose(match.similarity, max(cosines), abs_tol=1e-5)


# --- when something is down


async def test_a_store_that_is_down_is_an_error_of_the_tree(shelf: Shelf) -> None:
    shelf.store_faults.fail("*")
    for work in (shelf.faq.match(ACME, "x"), shelf.faq.put(ACME, OPENING), shelf.faq.delete(ACME, "x")):
        with pytest.raises(UpstreamError):
            await work


async def test_an_embedder_that_is_down_is_an_error_of_the_tree_and_nothing_is_written(shelf: Shelf) -> None:
    shelf.embedder_faults.fail("embed", error=UpstreamUnavailable(upstream="embedder"))
    with pytest.raises(UpstreamUnavailable):
        await shelf.faq.put(ACME, OPENING)
    shelf.embedder_faults.mend()
    assert await shelf.faq.match(ACME, "When do you open?") is None


async def test_who_has_no_entries_costs_no_embedding(shelf: Shelf) -> None:
    shelf.embedder_faults.fail("embed", error=AssertionError("the embedder was asked"))
    assert await shelf.faq.match(ACME, "When do you open?") is None


async def test_a_failure_is_not_taken_for_an_empty_memory(shelf: Shelf) -> None:
    await shelf.faq.put(ACME, OPENING)
    shelf.store_faults.fail("list_documents", times=1)
    with pytest.raises(UpstreamError):
        await shelf.faq.match(ACME, "When do you open?")
    assert await found(shelf.faq, "When do you open?") == OPENING


SHORT = (
    b'{"entry":{"id":"x","question":"?","answer":"!","approved":true},"stamp":"%s","vector":[1.0]}'
    % str(HashedEmbedder().stamp).encode()
)


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"\xff", b'{"entry":{},"stamp":1}', SHORT])
async def test_a_document_that_cannot_be_read_is_an_error_of_the_tree(body: bytes, shelf: Shelf) -> None:
    """Then a model answers: a chat does not fail for it."""
    await shelf.faq.put(ACME, OPENING)
    await shelf.documents.put(Scope(tenant_id=ACME, user_id=UserId("#faq")), KIND, "broken", body)
    with pytest.raises(UpstreamProtocolError):
        await shelf.beside().match(ACME, "When do you open?")


# --- freshness


async def test_what_another_process_wrote_is_seen_after_a_while(shelf: Shelf) -> None:
    await shelf.faq.put(ACME, OPENING)
    assert await found(shelf.faq, "When do you open?") == OPENING
    later = msgspec.structs.replace(OPENING, answer="At ten.")
    await shelf.beside().put(ACME, later)
    shelf.clock.advance(FRESH_S - 0.1)
    assert await found(shelf.faq, "When do you open?") == OPENING, "it is not read anew for every question"
    shelf.clock.advance(0.1)
    assert await found(shelf.faq, "When do you open?") == later


async def test_between_two_looks_the_store_is_left_in_peace(shelf: Shelf) -> None:
    await shelf.faq.put(ACME, OPENING)
    await shelf.faq.match(ACME, "When do you open?")
    shelf.store_faults.fail("*")
    assert await found(shelf.faq, "When do you open?") == OPENING
    with pytest.raises(UpstreamError):
        await shelf.faq.match(OTHER, "When do you open?")


class _HeldReading:
    """A document store whose lists come back late: they are read, and wait for the gate."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        self.is_read, self.gate = asyncio.Event(), asyncio.Event()

    async def list_documents(self, scope: Scope, kind: str, *, limit: int, after: str | None = None) -> list[Document]:
        documents = await self._store.list_documents(scope, kind, limit=limit, after=after)
        self.is_read.set()
        await self.gate.wait()
        return documents

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("write", ["put", "delete"])
async def test_a_look_that_began_before_a_write_does_not_outlive_it(write: str, shelf: Shelf) -> None:
    await shelf.faq.put(ACME, OPENING)
    held = _HeldReading(shelf.documents)
    faq = DocumentFaq(cast(DocumentStore, held), HashedEmbedder(), shelf.clock)
    async with asyncio.timeout(5):
        looking = asyncio.create_task(faq.match(ACME, "When do you open?"))
        await held.is_read.wait()
        if write == "put":
            await faq.put(ACME, msgspec.structs.replace(OPENING, approved=False))
        else:
            await faq.delete(ACME, OPENING.id)
        held.gate.set()
        await looking
    assert await faq.match(ACME, "When do you open?") is None


async def test_vectors_of_another_embedder_are_not_compared(shelf: Shelf) -> None:
    await shelf.faq.put(ACME, OPENING)
    other = shelf.beside(HashedEmbedder(dimensions=16))
    assert await other.match(ACME, "When do you open?") is None
    await other.put(ACME, OPENING)
    assert await found(other, "When do you open?") == OPENING, "written again it is found again"


async def test_the_entries_of_many_tenants_do_not_fill_the_memory(shelf: Shelf) -> None:
    for number in range(200):
        assert await shelf.faq.match(TenantId(f"t{number}"), "When do you open?") is None
    assert len(shelf.faq._known) == 64  # type: ignore[attr-defined]  # of this adapter


async def test_of_many_tenants_those_who_ask_stay_known(shelf: Shelf) -> None:
    await shelf.faq.put(ACME, OPENING)
    for tenant in (ACME, *(TenantId(f"t{number}") for number in range(63)), ACME, OTHER):
        await shelf.faq.match(tenant, "When do you open?")
    shelf.store_faults.fail("*")
    assert await found(shelf.faq, "When do you open?") == OPENING
    with pytest.raises(UpstreamError):
        await shelf.faq.match(TenantId("t0"), "When do you open?")


async def test_a_tenant_who_was_read_again_is_the_newest(shelf: Shelf) -> None:
    await shelf.faq.match(ACME, "When do you open?")
    for number in range(63):
        await shelf.faq.match(TenantId(f"t{number}"), "When do you open?")
    shelf.clock.advance(FRESH_S)
    await shelf.faq.match(ACME, "When do you open?")
    await shelf.faq.match(OTHER, "When do you open?")
    shelf.store_faults.fail("*")
    assert await shelf.faq.match(ACME, "When do you open?") is None


async def test_looking_at_an_entry_costs_no_loop_over_its_numbers(shelf: Shelf) -> None:
    """A thousand entries are compared in fewer steps of Python than there are entries."""
    for number in range(1000):
        await shelf.faq.put(ACME, entry(f"e{number:04}", f"filler {number}"))
    known = await shelf.faq._approved(ACME)  # type: ignore[attr-defined]  # of this adapter
    (vector,) = await HashedEmbedder().embed(["filler 500"])
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        match = known.nearest(vector)
    finally:
        sys.setprofile(None)
    assert match.entry.id == "e0500"
    assert steps < 100


async def test_of_equal_entries_the_one_with_the_greatest_id_is_given(shelf: Shelf) -> None:
    for number in range(50):
        await shelf.faq.put(ACME, entry(f"e{number:02}", "When do you open on Sundays?"))
    assert await found(shelf.faq, "when do you open?") == entry("e49", "When do you open on Sundays?")
