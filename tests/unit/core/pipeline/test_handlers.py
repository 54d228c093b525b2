"""Applying events: supersession."""

import asyncio

import pytest

from memoryos_ports.events import ChainLink, TurnsEvent
from memoryos_ports.ids import SessionId
from tests.support.makers import ANA, after, make_event, make_turn
from tests.support.memory_stack import MemoryStack

SESSION = SessionId("s1")
FIRST = make_event("e1", "which tea", make_turn("green", role="assistant"), session_id="s1", chain=ChainLink(hash="h"))
SECOND = make_event(
    "e2",
    make_turn("black", role="assistant"),
    session_id="s1",
    chain=ChainLink(hash="h"),
    supersedes=FIRST.memory_ids[1:],
)


@pytest.mark.parametrize("events", [(FIRST, SECOND), (SECOND, FIRST), (SECOND, FIRST, SECOND, FIRST)])
async def test_a_superseded_page_is_kept_and_not_found(events: tuple[TurnsEvent, ...], stack: MemoryStack) -> None:
    for event in events:
        await stack.handlers.apply(event)
    assert await stack.found("which tea is green or black") == {"which tea", "black"}
    assert {page.text for page in await stack.pages()} == {"which tea", "green", "black"}
    assert await stack.short_term.unindexed(ANA, limit=9) == []


async def test_both_applied_at_once_is_the_same(stack: MemoryStack) -> None:
    await asyncio.gather(stack.handlers.apply(FIRST), stack.handlers.apply(SECOND))
    assert await stack.found("which tea is green or black") == {"which tea", "black"}


async def test_an_event_of_no_chat_supersedes_nothing(stack: MemoryStack) -> None:
    await stack.handlers.apply(make_event("e1", "tea"))
    assert await stack.documents.list_documents(ANA, "superseded", limit=9) == []


async def test_events_applied_late_change_nothing_of_what_came_after(stack: MemoryStack) -> None:
    await stack.handlers.apply(SECOND)
    head = await stack.conversations.head(ANA, SESSION)
    await stack.handlers.apply(make_event("e0", "older", at=after(-60), session_id="s1", chain=ChainLink(hash="g")))
    assert await stack.conversations.head(ANA, SESSION) == head == "h"
