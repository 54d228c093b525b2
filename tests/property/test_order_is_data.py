"""Applying a user's events in any order, and as often as may be, gives the same state."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryos_core.chat.conversations import CHAIN_KIND, SESSION_KIND, TURN_KIND
from memoryos_core.memory.supersede import SUPERSEDED_KIND
from memoryos_ports.events import ChainLink, EventMessage, TurnsEvent
from memoryos_ports.ids import MemoryId, page_id
from tests.support.makers import ANA, after, make_event, make_turn
from tests.support.memory_stack import MemoryStack, fast_directory, open_stack

HASHES = ("h1", "h2", "h3")


@st.composite
def histories(draw: st.DrawFn) -> list[TurnsEvent]:
    """A user's events: exchanges in a few sessions, some with history that others hold, some regenerating."""
    events: list[TurnsEvent] = []
    for number in range(draw(st.integers(1, 5))):
        depth = draw(st.integers(1, 3))
        passed = draw(st.sampled_from([(), HASHES[: depth - 1]]))
        asks = draw(st.booleans()) or bool(passed)
        events.append(
            make_event(
                f"e{number}",
                *_turns(depth - 1, passed=len(passed), asks=asks),
                at=after(draw(st.integers(0, 3))),
                session_id=draw(st.sampled_from(["s1", "s2"])),
                chain=ChainLink(hash=HASHES[depth - 1], passed=passed),
                supersedes=() if asks else tuple(_answers(events)),
            )
        )
    return events


def _turns(turn: int, *, passed: int, asks: bool) -> Iterable[EventMessage]:
    for number in range(passed):
        yield make_turn(f"question {number}")
        yield make_turn(f"answer {number}", role="assistant")
    if asks:
        yield make_turn(f"question {turn}")
    yield make_turn(f"answer {turn}", role="assistant")


def _answers(events: Sequence[TurnsEvent]) -> Iterable[MemoryId]:
    return (
        page_id(ANA, event.event_id, index)
        for event in events
        for index, message in enumerate(event.messages)
        if message.role == "assistant"
    )


@settings(max_examples=25, deadline=None)
@given(histories(), st.randoms(use_true_random=False), st.booleans())
def test_any_order_and_any_repetition_give_the_same_state(events: list[TurnsEvent], chance: Any, at_once: bool) -> None:
    disorder = [*events, *events]
    chance.shuffle(disorder)
    assert asyncio.run(state_after(disorder, at_once=at_once)) == asyncio.run(state_after(events, at_once=False))


@settings(max_examples=10, deadline=None)
@given(histories())
def test_recording_again_writes_nothing(events: list[TurnsEvent]) -> None:
    async def versions_twice() -> None:
        with fast_directory() as directory:
            async with open_stack(directory) as stack:
                seen = []
                for _ in range(2):
                    for event in events:
                        await stack.conversations.record(event)
                    seen.append(await documents_of(stack, with_versions=True))
                assert seen[0] == seen[1]

    asyncio.run(versions_twice())


async def state_after(events: Sequence[TurnsEvent], *, at_once: bool) -> dict[str, Any]:
    """Return everything that is stored after applying events one by one, or all at once."""
    with fast_directory() as directory:
        async with open_stack(directory) as stack:
            if at_once:
                await asyncio.gather(*map(stack.handlers.apply, events))
            else:
                for event in events:
                    await stack.handlers.apply(event)
            return {
                "documents": await documents_of(stack),
                "pages": await stack.pages(),
                "found": await stack.found("question answer"),
                "unindexed": await stack.short_term.unindexed(ANA, limit=100),
            }


async def documents_of(stack: MemoryStack, *, with_versions: bool = False) -> dict[tuple[str, str], object]:
    """Return the body of every document, and how often it was written."""
    kinds = (TURN_KIND, CHAIN_KIND, SESSION_KIND, SUPERSEDED_KIND)
    return {
        (kind, document.id): (msgspec.json.decode(document.body), document.version if with_versions else None)
        for kind in kinds
        for document in await stack.documents.list_documents(ANA, kind, limit=1000)
    }
