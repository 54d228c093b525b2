"""Memory as a caller would put it into a prompt."""

import pytest

from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.memory.context import ContextService
from memoryos_core.memory.indexing import Indexer
from memoryos_ports.ids import AgentId, SessionId
from memoryos_ports.memory import MemoryKind
from tests.support.makers import after, make_event, make_fact, make_question
from tests.support.memory_stack import MemoryStack


async def test_the_context_has_tiers_and_one_block_within_the_budget(stack: MemoryStack) -> None:
    for number in range(9):
        await stack.ingest.accept(make_event(f"e{number}", f"tea number {number}", session_id="s1", at=after(number)))
    await stack.settle()
    await stack.ingest.accept(make_event("fresh", "tea is queued", at=after(99)))
    service = ContextService(
        recall=stack.recall, short_term=stack.short_term, profile=ProfileService(stack.documents), budget_tokens=80
    )
    context = await service.gather(make_question("which tea"), limit=5)
    assert len(context.hits) == 5
    assert 0 < context.tokens <= 80
    assert "tea" in context.text
    assert [page.text for page in context.short_term] == ["tea is queued"]
    nothing = await service.gather(make_question("tea"), limit=5, budget_tokens=0)
    assert (nothing.text, nothing.tokens, len(nothing.hits)) == ("", 0, 5)


async def test_short_term_memory_is_that_of_the_session(stack: MemoryStack) -> None:
    for number in range(3):
        await stack.ingest.accept(
            make_event(f"e{number}", f"turn {number}", session_id=f"s{number % 2}", at=after(number))
        )
    service = ContextService(
        recall=stack.recall, short_term=stack.short_term, profile=ProfileService(stack.documents), budget_tokens=80
    )
    context = await service.gather(make_question("turn", session_id=SessionId("s0")), limit=5)
    assert [page.text for page in context.short_term] == ["turn 0", "turn 2"]


@pytest.mark.parametrize("session", [None, "s1"])
async def test_short_term_memory_is_that_of_the_agent_and_the_time(session: str | None, stack: MemoryStack) -> None:
    for number, agent in enumerate(("eve", "bob", "bob")):
        event = make_event(f"e{number}", f"turn {number}", session_id="s1", agent_id=agent, at=after(number))
        await stack.ingest.accept(event)
    service = ContextService(
        recall=stack.recall, short_term=stack.short_term, profile=ProfileService(stack.documents), budget_tokens=80
    )
    session_id = SessionId(session) if session else None
    question = make_question("turn", session_id=session_id, agent_id=AgentId("bob"), until=after(1))
    context = await service.gather(question, limit=5)
    assert [page.text for page in context.short_term] == ["turn 1"]


async def test_without_the_index_the_context_is_made_of_the_newest_turns(stack: MemoryStack) -> None:
    await stack.ingest_text("my tea is green")
    stack.faults.storage.fail("*")
    service = ContextService(
        recall=stack.recall, short_term=stack.short_term, profile=ProfileService(stack.documents), budget_tokens=80
    )
    context = await service.gather(make_question("which tea"), limit=5)
    assert "my tea is green" in context.text
    assert (len(context.hits), context.degraded) == (1, True)


@pytest.mark.parametrize("limit", [1, 5])
async def test_a_turn_that_tells_what_has_ended_comes_with_the_fact_that_holds(limit: int, stack: MemoryStack) -> None:
    await stack.handlers.apply(make_event("e1", "I live in Rome.", at=after(0)))
    (page,) = await stack.pages()
    berlin = make_fact("Resides at Berlin nowadays", source="gone", slot="location", valid_from=after(60))
    rome = make_fact("I live in Rome", slot="location", valid_to=after(60), superseded_by=berlin.id)
    nearer = [make_fact(f"I do live, number {n}", source=f"n{n}") for n in range(9)]
    await stack.storage.put(await Indexer(stack.embedder).entries([rome, berlin, *nearer]))
    kinds: frozenset[MemoryKind] = frozenset({"page", "fact"})
    service = ContextService(
        recall=stack.recall, short_term=stack.short_term, profile=ProfileService(stack.documents), budget_tokens=300
    )
    assert page.id in rome.sources
    for text in ("Where do I live?", "Do I live in Rome?"):
        context = await service.gather(make_question(text, kinds=kinds, asked_at=after(99)), limit=limit)
        assert "I live in Rome." in context.text
        assert "Berlin" in context.text


@pytest.mark.parametrize("budget", [200, 1000, 2000])
async def test_of_a_long_turn_the_passage_that_answers_is_in_the_context(budget: int, stack: MemoryStack) -> None:
    filler = "and so the story went on " * 200
    await stack.ingest_text(f"{filler} I keep my umbrella in Porto. {filler}")
    service = ContextService(
        recall=stack.recall, short_term=stack.short_term, profile=ProfileService(stack.documents), budget_tokens=budget
    )
    context = await service.gather(make_question("where is my umbrella"), limit=5)
    assert "umbrella in Porto" in context.text
    assert context.tokens <= budget
