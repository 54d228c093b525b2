"""Memory as a caller would put it into a prompt."""

import pytest

from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.memory.context import ContextService
from memoryos_ports.ids import AgentId, SessionId
from tests.support.makers import after, make_event, make_question
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
