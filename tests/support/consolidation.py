"""Consolidation as a test drives it: turns said and applied, everything due done, and what came of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

import msgspec

from memoryos_core.consolidation.assembly import ConsolidationPolicy
from memoryos_core.consolidation.learning import Learner
from memoryos_core.consolidation.listing import all_facts, all_segments
from memoryos_ports.events import EventMessage, TurnsEvent
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import Page, only_pages
from tests.support.makers import ANA, after, make_event
from tests.support.memory_stack import MemoryStack, fast_directory, open_stack

EAGER = ConsolidationPolicy(heat_threshold=1.0)
"""Whatever is not analysed is promoted at once."""

TALK = (
    "my garden has red tulips in the garden beds",
    "the tulips in the garden beds need water",
    "red tulips and garden beds need water and sun",
    "the garden beds with red tulips look good in the sun",
    "water the red tulips in the garden beds",
    "garden beds for red tulips need sun and water",
)
"""Turns on one topic: with hashed vectors they share a segment."""


@asynccontextmanager
async def consolidating(
    policy: ConsolidationPolicy = EAGER, *, learner: Learner | None = None
) -> AsyncIterator[MemoryStack]:
    """Open a stack that consolidates in this way."""
    with fast_directory() as directory:
        async with open_stack(directory, policy=policy, learner=learner) as stack:
            yield stack


async def say(
    stack: MemoryStack, *turns: str | EventMessage, scope: Scope = ANA, start: int = 0, **fields: object
) -> list[MemoryId]:
    """Apply each turn as an event of its own, a minute after the other; return the pages."""
    return [page for event in said(*turns, scope=scope, start=start, **fields) for page in await applied(stack, event)]


def said(*turns: str | EventMessage, scope: Scope = ANA, start: int = 0, **fields: object) -> list[TurnsEvent]:
    """Return one event per turn."""
    return [
        make_event(f"e{number}", turn, scope=scope, at=after(60 * number), **fields)
        for number, turn in zip(count(start), turns, strict=False)
    ]


async def applied(stack: MemoryStack, event: TurnsEvent) -> Sequence[MemoryId]:
    """Apply an event; return its pages."""
    await stack.handlers.apply(event)
    return event.memory_ids


async def consolidate(stack: MemoryStack, *, wait_s: float = 60.0, rounds: int = 50) -> None:
    """Let time pass and do whatever is due then, until nothing is."""
    stack.clock.advance(wait_s)
    for _ in range(rounds):
        leases = await stack.consolidation.consolidator.claim(limit=10)
        if not leases:
            return
        for lease in leases:
            await stack.consolidation.consolidator.work(lease)
    raise AssertionError("there is always something due")


async def segments(stack: MemoryStack, scope: Scope = ANA) -> list[Segment]:
    """Return all segments, oldest first."""
    found = await all_segments(stack.storage, scope)
    return sorted(found, key=lambda segment: (segment.started_at, segment.id))


async def facts(stack: MemoryStack, scope: Scope = ANA) -> list[Fact]:
    """Return all facts, oldest first."""
    found = await all_facts(stack.storage, scope)
    return sorted(found, key=lambda fact: (fact.valid_from, fact.id))


async def current(stack: MemoryStack, slot: str, scope: Scope = ANA) -> list[str]:
    """Return the values of a slot that hold."""
    return [fact.value for fact in await facts(stack, scope) if fact.slot == slot and fact.valid_to is None]


async def groups(stack: MemoryStack, scope: Scope = ANA) -> list[list[str]]:
    """Return the texts of the pages of each segment."""
    return [
        [page.text for page in only_pages(await stack.storage.get(scope, segment.pages))]
        for segment in await segments(stack, scope)
    ]


async def pages_of_scope(stack: MemoryStack, scope: Scope = ANA) -> list[Page]:
    """Return every page that the index holds."""
    return only_pages((await stack.storage.list_memories(scope, limit=200)).memories)


async def state(stack: MemoryStack, scope: Scope = ANA) -> dict[str, object]:
    """Return all that consolidation keeps of a scope, but for when it was learnt."""
    profile, _ = await stack.consolidation.profile.read(scope)
    learnt = [msgspec.structs.replace(fact, recorded_at=fact.valid_from) for fact in await facts(stack, scope)]
    entries = [msgspec.structs.replace(entry, updated_at=after(0)) for entry in profile.entries]
    unsorted = await stack.documents.list_documents(scope, "unsorted", limit=100)
    return {
        "segments": await segments(stack, scope),
        "facts": learnt,
        "profile": sorted(entries, key=lambda entry: (entry.slot, entry.value)),
        "unsorted": [document.body for document in unsorted],
    }
