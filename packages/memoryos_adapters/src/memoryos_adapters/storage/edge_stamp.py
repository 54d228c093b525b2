"""The file beside a shard that says whose vectors it holds and where it is; replacing that file switches shards.

::

    index/stamp.json            {"name": "minilm-l6-v2", "dimensions": 384, "shard": "generation-1/shard"}
    index/generation-1/shard/   the shard in use
    index/generation-2/         what is to follow it (`edge_successor`), with its own stamp.json until it is finished

An index that was never written again has ``"shard": "shard"``, which older files leave unsaid. ``"erased": true`` says
that users were erased from the shard in use, whose files keep their bytes until it is rewritten (`edge_compaction`).
"""

import os
import shutil
from pathlib import Path

import msgspec

from memoryos_adapters.storage.edge_errors import UPSTREAM
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import UpstreamProtocolError

_FILE = "stamp.json"
_FIRST = "shard"
_GENERATION = "generation-"


class StampedShard(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says; `shard` is relative to its directory."""

    name: str
    dimensions: int
    shard: str = _FIRST
    erased: bool = False

    @property
    def stamp(self) -> EmbedderStamp:
        """The embedder of the vectors."""
        return EmbedderStamp(name=self.name, dimensions=self.dimensions)

    @property
    def generation(self) -> int:
        """How many times it was written again."""
        return 0 if self.shard == _FIRST else int(self.shard.partition("/")[0].removeprefix(_GENERATION))


def read_stamped_shard(directory: Path) -> StampedShard | None:
    """Return what the file says, None when there is none. Raises UpstreamProtocolError when it is broken."""
    try:
        return msgspec.json.decode((directory / _FILE).read_bytes(), type=StampedShard)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as exc:
        raise UpstreamProtocolError(upstream=UPSTREAM, detail=f"{_FILE} is not a stamp") from exc


def write_stamped_shard(directory: Path, stamp: EmbedderStamp, *, generation: int = 0) -> StampedShard:
    """Say whose vectors the shard of a generation holds: durable on return, and after a crash either old or new."""
    shard = f"{_GENERATION}{generation}/{_FIRST}" if generation else _FIRST
    return _write(directory, StampedShard(name=stamp.name, dimensions=stamp.dimensions, shard=shard))


def note_erasure(directory: Path) -> None:
    """Say that users are erased from the shard in use; durable on return."""
    if stamped := read_stamped_shard(directory):
        _write(directory, msgspec.structs.replace(stamped, erased=True))


def generation_directory(directory: Path, generation: int) -> Path:
    """Return where the shard of a generation after the first is made."""
    return directory / f"{_GENERATION}{generation}"


def drop_other_shards(directory: Path, stamped: StampedShard, *, spare: Path | None = None) -> None:
    """Remove every shard but the one in use and `spare`: what a switch left behind, or an unfinished generation.

    They hold memories that a later deletion would not reach.
    """
    kept = {directory / stamped.shard.partition("/")[0], spare}
    for other in [directory / _FIRST, *directory.glob(f"{_GENERATION}*")]:
        if other not in kept and other.is_dir():
            shutil.rmtree(other)


def sync_path(path: Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _write(directory: Path, stamped: StampedShard) -> StampedShard:
    unfinished = (directory / _FILE).with_suffix(".new")
    unfinished.write_bytes(msgspec.json.encode(stamped))
    sync_path(unfinished)
    unfinished.replace(directory / _FILE)
    sync_path(directory)
    return stamped
