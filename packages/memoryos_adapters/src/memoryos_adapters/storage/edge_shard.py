"""Opening the shard of the in-process Qdrant engine: its directory, its stamp, its schema."""

import shutil
from pathlib import Path

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
from memoryos_adapters.storage.edge_stamp import (
    StampedShard,
    drop_other_shards,
    read_stamped_shard,
    write_stamped_shard,
)
from memoryos_adapters.storage.payload import KEYWORD_FIELDS, TENANT_FIELDS, TIME_FIELDS
from memoryos_adapters.storage.requests import DENSE, SPARSE
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import EmbedderMismatch, StorageFull


def open_shard(directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> EdgeShard:
    """Return the shard in `directory`, made when there is none; replays what was not flushed (50 µs a point).

    The directory is the owner's alone (0700) and holds ``stamp.json`` and the shard, as `edge_stamp` tells; what an
    interrupted `reembed` left there goes. Raises EmbedderMismatch when the stamp is another embedder's, StorageFull
    when a shard has to be made with less than `reserve_bytes` free.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    shard = directory / _stamped(directory, stamp).shard
    if not shard.exists():
        require_space(directory, reserve_bytes)
        _create(shard, stamp.dimensions)
    loaded = EdgeShard.load(str(shard))
    _index_fields(loaded)
    return loaded


def require_space(directory: Path, reserve_bytes: int) -> None:
    """Raise StorageFull below that much free space: on a full disk the engine ends the process (SIGBUS)."""
    if shutil.disk_usage(directory).free < reserve_bytes:
        raise StorageFull(UPSTREAM)


def _stamped(directory: Path, stamp: EmbedderStamp) -> StampedShard:
    """Return what is said of the shard in use, which must be of this stamp; a new directory is stamped with it."""
    stamped = read_stamped_shard(directory) or write_stamped_shard(directory, stamp)
    if stamped.stamp != stamp:
        raise EmbedderMismatch(stored=str(stamped.stamp), configured=str(stamp))
    drop_other_shards(directory, stamped)
    return stamped


def _create(shard: Path, dimensions: int) -> None:
    """Make the shard aside and move it into place, so that a crash leaves a whole one or none."""
    unfinished = shard.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    created = EdgeShard.create(str(unfinished), _config(dimensions))
    created.close()
    unfinished.rename(shard)


def _index_fields(shard: EdgeShard) -> None:
    """Make the payload indexes that are not there: all of a new shard's, the newer ones of an older shard."""
    wanted: dict[str, KeywordIndexParams | PayloadSchemaType] = {
        **dict.fromkeys(TENANT_FIELDS, KeywordIndexParams(is_tenant=True)),
        **dict.fromkeys(KEYWORD_FIELDS, KeywordIndexParams()),
        **dict.fromkeys(TIME_FIELDS, PayloadSchemaType.Datetime),
    }
    for field in wanted.keys() - shard.info().payload_schema.keys():
        shard.update(UpdateOperation.create_field_index(field, wanted[field]))


def _config(dimensions: int) -> EdgeConfig:
    """Return the schema; without HNSW, as scans of one scope stay exact. The write-ahead log is on by default."""
    return EdgeConfig(
        vectors={DENSE: EdgeVectorParams(size=dimensions, distance=Distance.Cosine)},
        sparse_vectors={SPARSE: EdgeSparseVectorParams(modifier=Modifier.Idf)},
    )
