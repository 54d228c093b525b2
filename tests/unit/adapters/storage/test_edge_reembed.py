"""Embedding an index again: nothing is lost, and at any moment the index is the old one or the new one, whole."""

import os
from pathlib import Path

import msgspec
import pytest

from memoryos_adapters.storage.edge_reembed import EdgeReembedding, StoredPoints
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.errors import EmbedderMismatch, StorageFull, UpstreamProtocolError
from memoryos_ports.ids import Scope
from memoryos_ports.memory import IndexEntry, Memory, MemoryKind
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NORTH,
    OTHER_ANN,
    STAMP,
    candidate_of,
    find,
    list_all,
    make_entry,
    make_fact,
    make_page,
    make_query,
    make_segment,
    scores,
)

OTHER = EmbedderStamp(name="two", dimensions=2)
THIRD = EmbedderStamp(name="third", dimensions=2)
LEFT: Vector = [1.0, 0.0]
RIGHT: Vector = [0.0, 1.0]

LONG = make_page("long", "green tea or rather black coffee")
DELETED = make_page("deleted", "a secret")
REGENERATED = make_page("regenerated", "an answer that was given again")
EVERYTHING: dict[Scope, list[IndexEntry]] = {
    ANN: [
        make_entry(LONG, NORTH, EAST),
        make_entry(make_page("wordy"), None),
        make_entry(REGENERATED, NORTH),
        make_entry(make_segment("a summary"), EAST),
        make_entry(make_fact("Ann likes tea"), NORTH),
        make_entry(DELETED, NORTH, NORTH),
    ],
    BOB: [make_entry(make_page(f"b{number}", scope=BOB), EAST) for number in range(7)],
    OTHER_ANN: [make_entry(make_page("long", "nothing", scope=OTHER_ANN), NORTH)],
}
MEMORIES = sum(map(len, EVERYTHING.values()))
KINDS: tuple[MemoryKind, ...] = ("page", "segment", "fact")


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """An index of STAMP with memories of every kind, one deleted and one superseded."""
    async with QdrantEdgeMemory.open(tmp_path, STAMP, reserve_bytes=0) as memory:
        for entries in EVERYTHING.values():
            await memory.put(entries)
        await memory.delete(ANN, [DELETED.id])
        await memory.supersede(ANN, [REGENERATED.id])
    return tmp_path


def reembed(directory: Path, *, stamp: EmbedderStamp = OTHER, batches: int | None = None, at_once: int = 3) -> int:
    """Embed again, all to the LEFT but the second chunks; leave off after so many batches. Return what was embedded."""
    embedded = 0
    with EdgeReembedding.open(directory, stamp, reserve_bytes=0) as copy:
        assert copy is not None
        for number, batch in enumerate(copy.pending(at_once)):
            if number == batches:
                return embedded
            copy.write(batch, [vectors_of(one) for one in batch])
            embedded += len(batch)
        copy.finish()
    return embedded


def vectors_of(stored: StoredPoints) -> list[Vector | None]:
    """Return what the other embedder makes of a memory's chunks."""
    return [LEFT if chunk.number == 0 else RIGHT for chunk in stored.chunks]


async def contents(directory: Path, stamp: EmbedderStamp) -> dict[Scope, list[Memory]]:
    """Return every memory by its scope."""
    async with QdrantEdgeMemory.open(directory, stamp, reserve_bytes=0) as memory:
        return {
            scope: [one for kind in KINDS for one in await list_all(memory, limit=50, scope=scope, kind=kind)]
            for scope in EVERYTHING
        }


async def test_every_memory_is_there_as_it_was(directory: Path) -> None:
    before = await contents(directory, STAMP)

    assert reembed(directory) == MEMORIES

    assert await contents(directory, OTHER) == before
    assert sum(map(len, before.values())) == MEMORIES - 1


async def test_it_is_found_by_its_new_vectors_and_by_its_words(directory: Path) -> None:
    async with QdrantEdgeMemory.open(directory, STAMP, reserve_bytes=0) as memory:
        by_words = await scores(memory, "green coffee")

    reembed(directory)

    async with QdrantEdgeMemory.open(directory, OTHER, reserve_bytes=0) as memory:
        found = await candidate_of(memory, LONG, make_query(vector=RIGHT))
        assert found.chunk.number == 1
        assert found.cosine == pytest.approx(1.0)
        assert "wordy" in await find(memory, vector=LEFT)
        assert await scores(memory, "green coffee") == by_words
        assert by_words["long"] > 0


async def test_what_was_deleted_is_not_revived(directory: Path) -> None:
    reembed(directory)

    async with QdrantEdgeMemory.open(directory, OTHER, reserve_bytes=0) as memory:
        await memory.insert([make_entry(DELETED, LEFT)])
        assert await memory.get(ANN, [DELETED.id]) == []


async def test_what_was_superseded_stays_hidden(directory: Path) -> None:
    reembed(directory)

    async with QdrantEdgeMemory.open(directory, OTHER, reserve_bytes=0) as memory:
        assert "regenerated" not in await find(memory, "answer", LEFT)


async def test_until_the_end_the_index_is_the_old_one(directory: Path) -> None:
    before = await contents(directory, STAMP)

    reembed(directory, batches=2)

    with pytest.raises(EmbedderMismatch):
        await contents(directory, OTHER)
    assert await contents(directory, STAMP) == before


async def test_begun_before_it_goes_on_where_it_was(directory: Path) -> None:
    assert reembed(directory, batches=2) == 6

    assert reembed(directory) == MEMORIES - 6

    assert sum(map(len, (await contents(directory, OTHER)).values())) == MEMORIES - 1


async def test_what_was_begun_for_a_third_embedder_is_dropped(directory: Path) -> None:
    reembed(directory, stamp=THIRD, batches=2)

    assert reembed(directory) == MEMORIES


async def test_an_old_index_that_is_used_again_leaves_nothing_of_what_was_begun(directory: Path) -> None:
    reembed(directory, batches=2)

    async with QdrantEdgeMemory.open(directory, STAMP, reserve_bytes=0) as memory:
        await memory.erase(BOB)

    assert reembed(directory) == MEMORIES - 7
    assert (await contents(directory, OTHER))[BOB] == []


async def test_nothing_of_the_old_index_is_left_on_disk(directory: Path) -> None:
    reembed(directory)

    await contents(directory, OTHER)

    assert sorted(os.listdir(directory)) == ["generation-1", "stamp.json"]


async def test_it_can_be_embedded_again_and_back(directory: Path) -> None:
    before = await contents(directory, STAMP)

    reembed(directory)
    reembed(directory, stamp=THIRD)
    with EdgeReembedding.open(directory, STAMP, reserve_bytes=0) as copy:
        assert copy is not None
        for batch in copy.pending(100):
            copy.write(batch, [[NORTH for _ in one.chunks] for one in batch])
        copy.finish()

    assert await contents(directory, STAMP) == before
    assert sorted(os.listdir(directory)) == ["generation-3", "stamp.json"]


async def test_a_switch_cut_short_before_the_old_one_was_removed_is_ended_by_the_next_start(directory: Path) -> None:
    reembed(directory)
    (directory / "shard").mkdir()
    (directory / "shard" / "old").write_text("a secret")

    await contents(directory, OTHER)

    assert not (directory / "shard").exists()


@pytest.mark.parametrize("stamp", [STAMP, None], ids=["of this embedder already", "no index"])
async def test_there_may_be_nothing_to_do(directory: Path, stamp: EmbedderStamp | None, tmp_path: Path) -> None:
    where = directory if stamp else tmp_path / "nothing"

    with EdgeReembedding.open(where, STAMP, reserve_bytes=0) as copy:
        assert copy is None


async def test_it_does_not_end_before_everything_is_copied(directory: Path) -> None:
    before = await contents(directory, STAMP)

    with EdgeReembedding.open(directory, OTHER, reserve_bytes=0) as copy:
        assert copy is not None
        with pytest.raises(UpstreamProtocolError, match="0 of 14 memories were copied"):
            copy.finish()

    assert await contents(directory, STAMP) == before


async def test_a_disk_without_room_for_a_second_index_is_refused(directory: Path) -> None:
    with pytest.raises(StorageFull), EdgeReembedding.open(directory, OTHER, reserve_bytes=2**60):
        pass

    assert not (directory / "generation-1").exists()


async def test_a_vector_of_another_length_is_refused(directory: Path) -> None:
    with EdgeReembedding.open(directory, OTHER, reserve_bytes=0) as copy:
        assert copy is not None
        batch = next(copy.pending(100))
        with pytest.raises(UpstreamProtocolError, match="4 dimensions, not 2"):
            copy.write(batch, [[NORTH for _ in one.chunks] for one in batch])


async def test_an_index_of_before_has_a_stamp_without_its_shard(directory: Path) -> None:
    (directory / "stamp.json").write_bytes(msgspec.json.encode(STAMP))

    assert reembed(directory) == MEMORIES
