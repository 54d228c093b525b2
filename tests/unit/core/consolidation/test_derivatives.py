"""What was learnt from pages goes with them, and comes back only from pages that are new."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from memoryos_core.consolidation.learning import Learner
from memoryos_core.extraction.llm import LlmExtractor
from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.ids import MemoryId
from memoryos_ports.llm import ChatAnswer, ChatRequest
from memoryos_ports.memory import Chunk, IndexEntry, Page, only_pages
from tests.support.consolidation import (
    TALK,
    consolidate,
    consolidating,
    current,
    facts,
    groups,
    say,
    segments,
    state,
)
from tests.support.extractions import finds, learner_with, scripted, states
from tests.support.makers import ANA, after
from tests.support.memory_stack import MemoryStack

HOME = ("I live in Lisbon.", "I moved to Porto.")


async def test_a_fact_goes_with_its_only_source_and_the_one_before_holds_again() -> None:
    async with consolidating() as stack:
        lisbon, porto = await say(stack, *HOME)
        await consolidate(stack)
        (_, doomed) = await facts(stack)
        (segment,) = [segment for segment in await segments(stack) if segment.pages == (porto,)]
        forgotten = await stack.consolidation.derivatives.forget(ANA, [porto])
        assert set(forgotten.deleted) == {doomed.id, segment.id}
        (fact,) = await facts(stack)
        assert (fact.value, fact.valid_to, fact.superseded_by) == ("Lisbon", None, None)
        profile, _ = await stack.consolidation.profile.read(ANA)
        assert [(entry.value, entry.sources) for entry in profile.entries] == [("Lisbon", (lisbon,))]


async def test_a_fact_that_another_page_tells_loses_the_source() -> None:
    async with consolidating() as stack:
        first, second = await say(stack, "I live in Lisbon.", "I live in Lisbon.")
        await consolidate(stack)
        forgotten = await stack.consolidation.derivatives.forget(ANA, [first])
        (fact,) = await facts(stack)
        assert (fact.sources, fact.valid_from) == ((second,), after(60))
        assert fact.id in forgotten.changed


async def test_what_only_the_page_that_went_confirmed_is_followed_again() -> None:
    async with consolidating() as stack:
        *_, last = await say(stack, "I live in Lisbon.", "I live in Porto.", "I live in Lisbon.")
        await consolidate(stack)
        assert await current(stack, "location") == ["Lisbon"]
        await stack.consolidation.derivatives.forget(ANA, [last])
        assert await current(stack, "location") == ["Porto"]


async def test_a_segment_is_summarised_again_without_the_page() -> None:
    async with consolidating(learner=learner_with(scripted(finds(summary="tells of secrets")))) as stack:
        pages = await say(stack, *TALK)
        await consolidate(stack)
        (before,) = await segments(stack)
        assert before.text == "tells of secrets"
        await stack.consolidation.derivatives.forget(ANA, pages[:1])
        (segment,) = await segments(stack)
        assert segment.pages == tuple(pages[1:])
        assert segment.started_at == after(60)
        assert "secrets" not in segment.text
        assert segment.text


@pytest.mark.parametrize("hide", ["supersede", "delete"])
async def test_a_segment_without_any_page_that_may_be_shown_goes_with_its_summary(hide: str) -> None:
    async with consolidating() as stack:
        pages = await say(stack, *TALK)
        await consolidate(stack)
        assert len(await segments(stack)) == 1
        await getattr(stack.storage, hide)(ANA, pages[1:])
        await stack.consolidation.derivatives.forget(ANA, pages[:1])
        assert await segments(stack) == []


async def test_an_ended_fact_that_a_person_edits_stays_and_bars_nothing() -> None:
    async with consolidating() as stack:
        await say(stack, *HOME)
        await consolidate(stack)
        lisbon, _ = await facts(stack)
        edited = msgspec.structs.replace(lisbon, text="I lived in Lisbon", pinned=True)
        await stack.consolidation.derivatives.amend(edited)
        await say(stack, "I moved to Faro.", start=2)
        await consolidate(stack)
        assert await current(stack, "location") == ["Faro"]
        assert (await facts(stack))[0].text == "I lived in Lisbon"


async def test_what_a_page_said_does_not_come_over_what_a_person_made_of_it() -> None:
    async with consolidating() as stack:
        lisbon, _ = await say(stack, *HOME)
        await consolidate(stack)
        fact, _ = await facts(stack)
        await stack.consolidation.derivatives.amend(
            msgspec.structs.replace(fact, text="I lived in Lisbon", pinned=True)
        )
        await stack.consolidation.backlog.note(ANA, [lisbon], said_at=after(0), edition=7)
        await consolidate(stack)
        assert [fact.text for fact in await facts(stack)] == ["I lived in Lisbon", "I moved to Porto"]


async def test_a_forgotten_page_is_not_learnt_from_again_though_it_is_still_there() -> None:
    async with consolidating() as stack:
        (page,) = await say(stack, HOME[0])
        await stack.consolidation.derivatives.forget(ANA, [page])
        await consolidate(stack)
        await say(stack, HOME[0])
        await consolidate(stack)
        assert (await segments(stack), await facts(stack)) == ([], [])


async def test_an_edited_page_is_learnt_from_as_if_new() -> None:
    async with consolidating() as stack:
        (page,) = await say(stack, HOME[0])
        await consolidate(stack)
        for text in (HOME[1], HOME[0]):  # there and back: what was deleted on the way must not be in the way
            await _edit(stack, page, text)
            await consolidate(stack)
        assert await current(stack, "location") == ["Lisbon"]
        assert await groups(stack) == [[HOME[0]]]


async def test_an_edit_while_the_model_reads_wins() -> None:
    llm = scripted(finds(states(0, "location", "Lisbon", "I live in Lisbon")), finds())
    meanwhile: list[Callable[[], Awaitable[None]]] = []

    async def chat(request: ChatRequest) -> ChatAnswer:
        while meanwhile:
            await meanwhile.pop()()
        return await llm.chat(request)

    async with consolidating(learner=Learner(LlmExtractor(chat, model="m"))) as stack:
        pages = await say(stack, f"{TALK[0]}. I live in Lisbon.", *TALK[1:])
        meanwhile.append(lambda: _edit(stack, pages[0], TALK[0]))
        await consolidate(stack)
        assert await facts(stack) == []
        (segment,) = await segments(stack)
        assert segment.pages == tuple(pages)


async def test_a_deleted_fact_takes_its_profile_entry_along() -> None:
    async with consolidating() as stack:
        await say(stack, *HOME)
        await consolidate(stack)
        _, porto = await facts(stack)
        await stack.consolidation.derivatives.forget_facts(ANA, [porto.id])
        profile, _ = await stack.consolidation.profile.read(ANA)
        assert [entry.value for entry in profile.entries] == ["Lisbon"]


@pytest.mark.parametrize("store", ["storage", "documents"])
async def test_a_store_that_is_down_is_told_and_nothing_is_half_forgotten(store: str) -> None:
    async with consolidating() as stack:
        pages = await say(stack, *HOME)
        await consolidate(stack)
        before = await state(stack)
        getattr(stack.faults, store).fail("get")
        with pytest.raises(UpstreamUnavailable):
            await stack.consolidation.derivatives.forget(ANA, pages)
        stack.faults.storage.mend()
        stack.faults.documents.mend()
        assert await state(stack) == before
        await stack.consolidation.derivatives.forget(ANA, pages)
        assert (await segments(stack), await facts(stack)) == ([], [])


async def _edit(stack: MemoryStack, page_id: MemoryId, text: str) -> None:
    """Do what an edit does: forget, write, note."""
    await stack.consolidation.derivatives.forget(ANA, [page_id])
    (page,) = only_pages(await stack.storage.get(ANA, [page_id]))
    await stack.storage.put([await _entry(stack, msgspec.structs.replace(page, text=text))])
    await stack.consolidation.backlog.renew(ANA, page_id, said_at=page.timestamp)


async def _entry(stack: MemoryStack, page: Page) -> IndexEntry:
    (vector,) = await stack.embedder.embed([page.text])
    whole = Chunk(number=0, start=0, end=len(page.text), vector=vector)
    return IndexEntry(memory=page, chunks=(whole,), terms=page.text)
