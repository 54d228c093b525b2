"""The file beside a shard that says whose vectors it holds and where it is; replacing that file switches shards.

::

    index/stamp.json            {"name": "minilm-l6-v2", "dimensions": 384, "shard": "generation-1/shard"}
    index/generation-1/shard/   the shard in use
    index/generation-2/         what `reembed` is making, with a stamp.json of its own until it is finished

An index that was never embedded again has ``"shard": "shard"``, which older files leave unsaid.
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

    @property
    def stamp(self) -> EmbedderStamp:
        """The embedder of the vectors."""
        return EmbedderStamp(name=self.name, dimensions=self.dimensions)

    @property
    def generation(self) -> int:
        """How many times it was embedded again."""
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
    stamped = StampedShard(name=stamp.name, dimensions=stamp.dimensions, shard=shard)
    unfinished = (directory / _FILE).with_suffix(".new")
    with unfinished.open("wb") as out:
        out.write(msgspec.json.encode(stamped))
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(directory / _FILE)
    _sync(directory)
    return stamped


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


def _sync(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
