"""Opening the shard of the in-process Qdrant engine: its directory, its stamp, its schema."""

import os
import shutil
from pathlib import Path

import msgspec
from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    KeywordIndexParams,
    Modifier,
    PayloadSchemaType,
    UpdateOperation,
)

from memoryos_adapters.storage.edge_errors import UPSTREAM
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import EmbedderMismatch, StorageFull, UpstreamProtocolError

DENSE = "text"
SPARSE = "terms"

_STAMP_FILE = "stamp.json"


def open_shard(directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> EdgeShard:
    """Return the shard in `directory`, made when there is none; replays what was not flushed (50 µs a point).

    The directory is the owner's alone (0700) and holds ``stamp.json`` and ``shard/``. Raises EmbedderMismatch when
    the stamp is another embedder's, StorageFull when a shard has to be made with less than `reserve_bytes` free.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    _check_stamp(directory / _STAMP_FILE, stamp)
    shard = directory / "shard"
    if not shard.exists():
        require_space(directory, reserve_bytes)
        _create(shard, stamp.dimensions)
    return EdgeShard.load(str(shard))


def require_space(directory: Path, reserve_bytes: int) -> None:
    """Raise StorageFull below that much free space: on a full disk the engine ends the process (SIGBUS)."""
    if shutil.disk_usage(directory).free < reserve_bytes:
        raise StorageFull(UPSTREAM)


def _check_stamp(file: Path, stamp: EmbedderStamp) -> None:
    if not file.exists():
        _write_durably(file, msgspec.json.encode(stamp))
        return
    try:
        stored = msgspec.json.decode(file.read_bytes(), type=EmbedderStamp)
    except msgspec.DecodeError as exc:
        raise UpstreamProtocolError(upstream=UPSTREAM, detail=f"{_STAMP_FILE} is not a stamp") from exc
    if stored != stamp:
        raise EmbedderMismatch(stored=str(stored), configured=str(stamp))


def _create(shard: Path, dimensions: int) -> None:
    """Make the shard aside and move it into place, so that a crash leaves a whole one or none."""
    unfinished = shard.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    created = EdgeShard.create(str(unfinished), _config(dimensions))
    keyword, of_scope = KeywordIndexParams(), KeywordIndexParams(is_tenant=True)
    for field in ("search_scope", "list_scope"):
        created.update(UpdateOperation.create_field_index(field, of_scope))
    for field in ("session_id", "agent_id"):
        created.update(UpdateOperation.create_field_index(field, keyword))
    created.update(UpdateOperation.create_field_index("timestamp", PayloadSchemaType.Datetime))
    created.close()
    unfinished.rename(shard)


def _config(dimensions: int) -> EdgeConfig:
    """Return the schema; without HNSW, as scans of one scope stay exact. The write-ahead log is on by default."""
    return EdgeConfig(
        vectors={DENSE: EdgeVectorParams(size=dimensions, distance=Distance.Cosine)},
        sparse_vectors={SPARSE: EdgeSparseVectorParams(modifier=Modifier.Idf)},
    )


def _write_durably(file: Path, content: bytes) -> None:
    unfinished = file.with_suffix(".new")
    with unfinished.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)
