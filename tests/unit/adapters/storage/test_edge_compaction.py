"""Rewriting an index after an erasure: no byte of the erased stays, and nothing of anybody else is lost."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TypeAlias

import pytest
from qdrant_edge import CountRequest

from memoryos_adapters.storage.edge_compaction import copy_points
from memoryos_adapters.storage.edge_reembed import EdgeReembedding
from memoryos_adapters.storage.edge_stamp import note_erasure, read_stamped_shard, write_stamped_shard
from memoryos_adapters.storage.edge_successor import Successor
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.ids import SessionId
from memoryos_ports.memory import MemoryKind
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NORTH,
    NORTH_EAST,
    STAMP,
    list_all,
    make_entry,
    make_fact,
    make_page,
    make_query,
    make_segment,
)
from tests.unit.adapters.storage.compactor import AT_ONCE

COMPACTOR = Path(__file__).with_name("compactor.py")
Contents: TypeAlias = tuple[list[object], list[str], list[str]]

KINDS: tuple[MemoryKind, ...] = ("page", "segment", "fact")
SECRET = "quetzalcoatlus"
DELETED = make_page("deleted", "gone", scope=BOB)
SUPERSEDED = make_page("superseded", "an older answer", scope=BOB)


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """A closed index: ANN was erased from it, BOB has memories of every kind, one deleted and one superseded."""
    async with QdrantEdgeMemory.open(tmp_path, STAMP, reserve_bytes=0) as memory:
        await memory.put([make_entry(page, NORTH_EAST) for page in (DELETED, SUPERSEDED)])
        await memory.put([make_entry(make_page(f"b{n}", f"tea number{n}", scope=BOB), NORTH, EAST) for n in range(5)])
        await memory.put([make_entry(make_segment(scope=BOB), EAST), make_entry(make_fact(scope=BOB), None)])
        await memory.delete(BOB, [DELETED.id])
        await memory.supersede(BOB, [SUPERSEDED.id])
        secrets = [make_page(f"a{n}", f"{SECRET} {n}", session_id=SessionId(SECRET)) for n in range(9)]
        await memory.insert([make_entry(page, NORTH, EAST) for page in secrets])
        assert await memory.erase(ANN) == 9
    return tmp_path


async def contents(directory: Path, stamp: EmbedderStamp = STAMP) -> Contents:
    """Return all that BOB has, and what a search finds of it; opening is what rewrites."""
    async with QdrantEdgeMemory.open(directory, stamp, reserve_bytes=0) as memory:
        assert await memory.get(ANN, [make_page("a0").id]) == []
        await memory.insert([make_entry(DELETED, NORTH)])  # its tombstone is kept: this changes nothing
        listed = [
            [await memory.count(BOB, kind=kind), *await list_all(memory, limit=5, scope=BOB, kind=kind)]
            for kind in KINDS
        ]
        found = await memory.search(make_query("tea", vector=NORTH_EAST, scope=BOB, kinds=frozenset(KINDS)))
    # What is equally good comes in any order.
    return [*listed], sorted(map(repr, found.pages)), sorted(map(repr, found.knowledge))


@pytest.fixture
async def before(directory: Path) -> Contents:
    """What BOB has before anything is rewritten."""
    write_stamped_shard(directory, STAMP)  # as if nobody had been erased
    found = await contents(directory)
    note_erasure(directory)
    assert holding_secret(directory)
    return found


def holding_secret(directory: Path) -> list[Path]:
    """Return the files that hold bytes of what was erased."""
    return [file for file in directory.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]


def is_noted(directory: Path) -> bool:
    """Return whether the next start is to rewrite the index."""
    stamped = read_stamped_shard(directory)
    assert stamped is not None
    return stamped.erased


async def test_the_next_start_rewrites_the_index_once(directory: Path, before: Contents) -> None:
    assert await contents(directory) == before

    assert holding_secret(directory) == []
    assert sorted(os.listdir(directory)) == ["generation-1", "stamp.json"]
    assert await contents(directory) == before
    assert sorted(os.listdir(directory)) == ["generation-1", "stamp.json"]


async def test_an_erasure_that_finds_nothing_rewrites_nothing(directory: Path) -> None:
    write_stamped_shard(directory, STAMP)
    async with QdrantEdgeMemory.open(directory, STAMP, reserve_bytes=0) as memory:
        assert await memory.erase(ANN) == 0

    assert not is_noted(directory)


@pytest.mark.parametrize("steps", [1, 3, 9], ids="after {} steps".format)
async def test_a_kill_on_the_way_loses_nothing(steps: int, directory: Path, before: Contents) -> None:
    told = await rewrite_until_killed(directory, steps=steps)
    assert told == ("finished" if steps == 9 else str(steps * AT_ONCE))
    assert is_noted(directory)

    assert await contents(directory) == before

    assert holding_secret(directory) == []


async def test_cut_short_it_goes_on_where_it_was(directory: Path) -> None:
    assert await rewrite_until_killed(directory, steps=2) == "6"

    stamped = read_stamped_shard(directory)
    assert stamped is not None
    with Successor.open(directory, stamped, STAMP, reserve_bytes=0) as successor:
        assert next(copy_points(successor, at_once=AT_ONCE)) == 9


async def rewrite_until_killed(directory: Path, *, steps: int) -> str:
    """Run a process that rewrites the index, kill it (SIGKILL) after so many steps, and return what it said."""
    pipe = asyncio.subprocess.PIPE
    async with asyncio.timeout(30):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(COMPACTOR), str(directory), str(steps), stdin=pipe, stdout=pipe
        )
        assert process.stdout is not None
        try:
            return (await process.stdout.readline()).decode().strip()
        finally:
            process.kill()
            await process.wait()


async def test_a_disk_without_room_for_a_second_index_serves_the_first(directory: Path, before: Contents) -> None:
    async with QdrantEdgeMemory.open(directory, STAMP, reserve_bytes=2**60) as memory:
        assert memory.residue() == "its files are rewritten at the next start"
        assert await memory.count(BOB) == 6

    assert is_noted(directory)
    assert await contents(directory) == before
    assert holding_secret(directory) == []


async def test_what_is_not_copied_whole_does_not_take_the_place(directory: Path) -> None:
    stamped = read_stamped_shard(directory)
    assert stamped is not None
    with Successor.open(directory, stamped, STAMP, reserve_bytes=0) as successor:
        next(copy_points(successor, at_once=AT_ONCE))
        with pytest.raises(UpstreamProtocolError, match="3 of 14 memories were copied"):
            successor.finish(CountRequest())

    assert read_stamped_shard(directory) == stamped


async def test_embedding_again_leaves_nothing_of_the_erased_either(directory: Path) -> None:
    other = EmbedderStamp(name="two", dimensions=2)
    with EdgeReembedding.open(directory, other, reserve_bytes=0) as copy:
        assert copy is not None
        for batch in copy.pending(100):
            copy.write(batch, [[None for _ in one.chunks] for one in batch])
        copy.finish()

    assert not is_noted(directory)
    assert holding_secret(directory) == []
