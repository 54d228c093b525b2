"""The noop memory index: reads are empty, a write is refused."""

import pytest

from memoryos_adapters.storage.noop import NoopMemory
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.memory import Found, MemoryList, MemoryStorage
from memoryos_ports.residue import Residual
from tests.contract.storage.indexes import ANN, NORTH, STAMP, make_entry, make_page, make_query


async def test_reads_are_empty() -> None:
    memory = NoopMemory(STAMP)
    page = make_page("e")

    assert await memory.search(make_query("tea", vector=NORTH)) == Found()
    assert await memory.get(ANN, [page.id]) == []
    assert await memory.list_memories(ANN, limit=5) == MemoryList(memories=())
    assert await memory.count(ANN) == 0
    assert await memory.count(ANN, kind="fact") == 0
    await memory.ping()


async def test_a_write_is_refused_and_what_changes_nothing_is_not() -> None:
    memory = NoopMemory(STAMP)
    page = make_page("e")

    with pytest.raises(MemoryDisabled):
        await memory.insert([make_entry(page, NORTH)])
    with pytest.raises(MemoryDisabled):
        await memory.put([make_entry(page, NORTH)])
    assert await memory.delete(ANN, [page.id]) == []
    await memory.supersede(ANN, [page.id])
    assert await memory.erase(ANN) == 0


async def test_it_is_a_memory_storage_with_the_stamp_it_was_given() -> None:
    memory: MemoryStorage = NoopMemory(STAMP)

    assert isinstance(memory, MemoryStorage)
    assert memory.stamp == STAMP
    assert not isinstance(memory, Residual)  # it has no files in which anything could be left
