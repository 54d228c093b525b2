"""Deleting takes what was learnt with it, and nothing else."""

import pytest

from memoryos_ports.errors import NotFound
from memoryos_ports.ids import MemoryId, segment_id
from memoryos_ports.knowledge import Segment
from tests.support.lifecycle import MemoryLife
from tests.support.makers import ANA, BOB, NOON, make_event
from tests.unit.core.lifecycle.test_editing import make_fact

EVENT = make_event("e1", "my tea is green", "and hot")
FIRST, SECOND = EVENT.memory_ids


@pytest.mark.parametrize("applied", [True, False])
async def test_a_deleted_memory_does_not_come_back(applied: bool, life: MemoryLife) -> None:
    await life.services.intake().accept(EVENT)
    if applied:
        await life.stack.settle()
    assert await life.services.deletion().delete(ANA, FIRST) == [FIRST]
    for _ in range(2):
        await life.stack.settle()
        await life.stack.handlers.apply(EVENT)
        assert [page.id for page in await life.stack.pages()] == [SECOND]
        with pytest.raises(NotFound):
            await life.stack.library.get(ANA, FIRST)


async def test_a_fact_whose_only_source_goes_goes_too_and_is_named(life: MemoryLife) -> None:
    await life.add(EVENT)
    only, shared = make_fact("ana drinks tea", FIRST), make_fact("ana likes it hot", SECOND)
    await life.stack.storage.put(await life.indexer.entries([only, shared]))
    assert await life.services.deletion().delete(ANA, FIRST) == [FIRST, only.id]
    assert [memory.id for memory in await life.stack.storage.get(ANA, [only.id, shared.id])] == [shared.id]


async def test_a_deleted_fact_leaves_its_page(life: MemoryLife) -> None:
    await life.add(EVENT)
    fact = make_fact("ana drinks tea", FIRST)
    await life.stack.storage.put(await life.indexer.entries([fact]))
    assert await life.services.deletion().delete(ANA, fact.id) == [fact.id]
    assert [page.id for page in await life.stack.pages()] == [FIRST, SECOND]
    assert await life.stack.storage.get(ANA, [fact.id]) == []


async def test_a_deleted_segment_leaves_its_pages(life: MemoryLife) -> None:
    await life.add(EVENT)
    segment = make_segment(FIRST, SECOND)
    await life.stack.storage.put(await life.indexer.entries([segment]))
    assert await life.services.deletion().delete(ANA, segment.id) == [segment.id]
    assert [page.id for page in await life.stack.pages()] == [FIRST, SECOND]


async def test_a_memory_of_somebody_else_is_not_there(life: MemoryLife) -> None:
    await life.add(EVENT)
    with pytest.raises(NotFound):
        await life.services.deletion().delete(BOB, FIRST)
    assert len(await life.stack.pages()) == 2


def make_segment(*pages: MemoryId) -> Segment:
    """Return a segment of these pages."""
    return Segment(
        id=segment_id(ANA, pages[0]),
        scope=ANA,
        text="about tea",
        timestamp=NOON,
        started_at=NOON,
        accepted_at=NOON,
        last_visit=NOON,
        pages=pages,
    )
