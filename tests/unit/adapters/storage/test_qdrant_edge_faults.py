"""The in-process Qdrant index under faults: only errors of ours come out, and what was acknowledged stays."""

import asyncio
import signal
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from qdrant_edge import CountRequest, EdgeShard, Point, UpdateOperation

from memoryos_adapters.storage.payload import tombstone_payload
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_ports.errors import MemoryOSError, StorageFull, UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.memory import MemoryStorage
from tests.contract.storage.indexes import (
    ANN,
    EAST,
    NORTH,
    STAMP,
    find,
    list_all,
    make_entry,
    make_page,
    make_query,
)

PAGE = make_page("e")

WRITES: dict[str, Callable[[MemoryStorage], Awaitable[object]]] = {
    "insert": lambda memory: memory.insert([make_entry(make_page("new"), NORTH)]),
    "delete": lambda memory: memory.delete(ANN, [PAGE.id]),
    "put": lambda memory: memory.put([make_entry(PAGE, NORTH)]),
    "supersede": lambda memory: memory.supersede(ANN, [PAGE.id]),
    "erase": lambda memory: memory.erase(ANN),
}
READS: dict[str, Callable[[MemoryStorage], Awaitable[object]]] = {
    "search": lambda memory: memory.search(make_query("tea", vector=NORTH)),
    "get": lambda memory: memory.get(ANN, [PAGE.id]),
    "list_memories": lambda memory: memory.list_memories(ANN, limit=1),
    "count": lambda memory: memory.count(ANN),
    "ping": lambda memory: memory.ping(),
}


async def fill(directory: Path, *, reserve_bytes: int = 0) -> None:
    """Leave an index with one page of two chunks in the directory."""
    async with QdrantEdgeMemory.open(directory, STAMP, reserve_bytes=reserve_bytes) as memory:
        await memory.insert([make_entry(PAGE, NORTH, EAST)])


def overwrite(directory: Path, pattern: str, content: bytes) -> None:
    """Put other content into the files of a directory that match, at least one."""
    files = [*directory.glob(pattern)]
    assert files
    for file in files:
        file.write_bytes(content)


@asynccontextmanager
async def running(script: str, *args: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a script in another Python, killed at the end."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, *args, stdout=pipe)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def output_of(script: str, *args: str) -> str:
    """Return what a script prints."""
    async with asyncio.timeout(30), running(script, *args) as process:
        out, _ = await process.communicate()
    return out.decode().strip()


OPEN_AND_TELL = """
import asyncio, resource, sys
from pathlib import Path
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import MemoryOSError

async def main(path: str, max_file_bytes: str) -> None:
    if max_file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(max_file_bytes), resource.RLIM_INFINITY))
    try:
        async with QdrantEdgeMemory.open(Path(path), EmbedderStamp(name="four", dimensions=4)):
            print("opened")
    except MemoryOSError as exc:
        print(type(exc).__name__, exc.retryable, exc.__cause__ is not None)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_an_index_that_another_process_has_open_is_unavailable(tmp_path: Path) -> None:
    async with QdrantEdgeMemory.open(tmp_path, STAMP):
        assert await output_of(OPEN_AND_TELL, str(tmp_path), "") == "UpstreamUnavailable True True"

    assert await output_of(OPEN_AND_TELL, str(tmp_path), "") == "opened"


async def test_a_disk_without_room_for_an_index_is_full(tmp_path: Path) -> None:
    assert await output_of(OPEN_AND_TELL, str(tmp_path), "1000000") == "StorageFull True True"

    assert await output_of(OPEN_AND_TELL, str(tmp_path), "") == "opened"


@pytest.mark.parametrize("write", WRITES.values(), ids=[*WRITES])
async def test_a_write_is_refused_before_the_disk_is_full(
    tmp_path: Path, write: Callable[[MemoryStorage], Awaitable[object]]
) -> None:
    await fill(tmp_path)

    async with QdrantEdgeMemory.open(tmp_path, STAMP, reserve_bytes=2**62) as memory:
        with pytest.raises(StorageFull):
            await write(memory)
        with pytest.raises(StorageFull):
            await memory.ping()
        assert await memory.get(ANN, [PAGE.id]) == [PAGE]
        assert await list_all(memory, limit=5) == [PAGE]


async def test_an_index_is_not_made_without_the_space_it_needs(tmp_path: Path) -> None:
    with pytest.raises(StorageFull):
        await fill(tmp_path, reserve_bytes=2**62)
    assert not (tmp_path / "shard").exists()


async def test_a_closed_index_is_unavailable(tmp_path: Path) -> None:
    async with QdrantEdgeMemory.open(tmp_path, STAMP) as memory:
        await memory.ping()

    for call in (WRITES | READS).values():
        with pytest.raises(UpstreamUnavailable) as caught:
            await call(memory)
        assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "broken",
    ["stamp.json", "shard/edge_config.json", "shard/wal/open-*", "shard/**/segment.json", "shard/**/status.dat"],
)
@pytest.mark.parametrize("content", [b"", b"garbage" * 100], ids=["empty", "garbage"])
async def test_a_broken_file_is_told_in_our_words(tmp_path: Path, broken: str, content: bytes) -> None:
    await fill(tmp_path)
    overwrite(tmp_path, broken, content)

    with pytest.raises(UpstreamProtocolError) as caught:
        async with QdrantEdgeMemory.open(tmp_path, STAMP):
            pass

    assert caught.value.__cause__ is not None


async def test_a_broken_payload_store_fails_in_our_words(tmp_path: Path) -> None:
    """At the start, when what the log has to replay reads payloads, and else with the first read."""
    await fill(tmp_path)
    overwrite(tmp_path, "shard/segments/*/payload_storage/page_0.dat", b"\xff" * 2**20)

    with pytest.raises(MemoryOSError) as caught:
        async with QdrantEdgeMemory.open(tmp_path, STAMP) as memory:
            await memory.get(ANN, [PAGE.id])

    assert caught.value.__cause__ is not None


async def test_a_path_that_is_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("no directory")

    with pytest.raises(UpstreamUnavailable) as caught:
        async with QdrantEdgeMemory.open(tmp_path / "index", STAMP):
            pass

    assert isinstance(caught.value.__cause__, OSError)


async def test_an_index_whose_making_was_cut_short_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "shard.new" / "segments").mkdir(parents=True)

    async with QdrantEdgeMemory.open(tmp_path, STAMP) as memory:
        assert await memory.count(ANN) == 0

    assert not (tmp_path / "shard.new").exists()


async def test_the_directory_is_its_owners_alone(tmp_path: Path) -> None:
    directory = tmp_path / "data" / "index"
    async with QdrantEdgeMemory.open(directory, STAMP):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


async def test_a_delete_that_was_cut_short_shows_nothing_and_can_be_finished(tmp_path: Path) -> None:
    await fill(tmp_path)
    shard = EdgeShard.load(str(tmp_path / "shard"))
    shard.update(UpdateOperation.upsert_points([Point(PAGE.id, {}, tombstone_payload(ANN, chunks=2))]))
    shard.close()

    async with QdrantEdgeMemory.open(tmp_path, STAMP) as memory:
        assert await find(memory, "tea", vector=EAST) == set()
        assert await memory.get(ANN, [PAGE.id]) == []
        assert await memory.delete(ANN, [PAGE.id]) == []

    shard = EdgeShard.load(str(tmp_path / "shard"))
    assert shard.count(CountRequest()) == 1
    shard.close()


async def test_of_an_erased_scope_no_point_is_left(tmp_path: Path) -> None:
    await fill(tmp_path)
    async with QdrantEdgeMemory.open(tmp_path, STAMP) as memory:
        await memory.put([make_entry(make_page(name), NORTH, EAST) for name in ("hidden", "deleted")])
        await memory.supersede(ANN, [make_page("hidden").id])
        await memory.delete(ANN, [make_page("deleted").id])
        await memory.erase(ANN)

    shard = EdgeShard.load(str(tmp_path / "shard"))
    assert shard.count(CountRequest()) == 0
    shard.close()


async def test_of_a_page_put_with_fewer_chunks_no_point_is_left(tmp_path: Path) -> None:
    await fill(tmp_path)
    async with QdrantEdgeMemory.open(tmp_path, STAMP) as memory:
        await memory.put([make_entry(PAGE, NORTH)])

    shard = EdgeShard.load(str(tmp_path / "shard"))
    assert shard.count(CountRequest()) == 1
    shard.close()


WRITE_UNTIL_KILLED = """
import asyncio, itertools, sys
from pathlib import Path
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from tests.contract.storage.indexes import ANN, EAST, NORTH, STAMP, make_entry, make_page

async def main() -> None:
    async with QdrantEdgeMemory.open(Path(sys.argv[1]), STAMP) as memory:
        for number in itertools.count():
            page = make_page(f"e{number}")
            await memory.insert([make_entry(page, NORTH, EAST)])
            print("inserted", page.id, flush=True)
            if number % 3 == 0:
                print("deleting", page.id, flush=True)
                await memory.delete(ANN, [page.id])
                print("deleted", page.id, flush=True)

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    async with asyncio.timeout(30), running(WRITE_UNTIL_KILLED, str(tmp_path)) as writer:
        assert writer.stdout is not None
        lines = [await writer.stdout.readline() for _ in range(300)]
        writer.send_signal(signal.SIGKILL)
        lines += (await writer.stdout.read()).splitlines(keepends=True)
    said: dict[str, set[str]] = {"inserted": set(), "deleting": set(), "deleted": set()}
    for line in lines:
        if line.endswith(b"\n"):
            word, page_id = line.decode().split()
            said[word].add(page_id)

    async with QdrantEdgeMemory.open(tmp_path, STAMP) as memory:
        found = {str(page.id) for page in await list_all(memory, limit=200)}

    assert said["inserted"] - said["deleting"] <= found
    assert not said["deleted"] & found
