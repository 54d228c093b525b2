"""What a search knows of the points that it met."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from memoryos_adapters.storage.payload import point_ids, read_chunk, read_memory
from memoryos_adapters.storage.requests import Payload
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import Chunk, Memory

CHUNK_FIELDS = ("page_id", "search_scope", "number", "start", "end")
KNOWN_FIELDS = (*CHUNK_FIELDS, "page", "superseded", "chunks")

_LEAST_CHARS = 256  # that a point counts for
_NO_CHUNK = Chunk(number=0, start=0, end=0)


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):  # there are many, and no cycles
    """What a point says. `memory` is None for a tombstone, and for a further chunk: its own has the id `owner`.

    `words` are the weights of the memory's terms, `key` is its `kind_key` while it may be found, `points` are the ids
    of all its points, `chars` is how much is kept.
    """

    memory: Memory | None
    owner: str
    chunk: Chunk
    words: dict[int, float]
    key: str | None
    points: tuple[str, ...]
    chars: int


class Near(NamedTuple):
    """A point with its cosine to the question."""

    cosine: float
    point: str


def read_known(id: str, payload: Payload, words: dict[int, float]) -> Known:
    """Return what a point says, from the `KNOWN_FIELDS` of its payload; of a further chunk `CHUNK_FIELDS` suffice."""
    text = payload.get("page", "")
    return Known(
        memory=read_memory(payload) if text else None,
        owner=payload.get("page_id", id),
        chunk=read_chunk(payload) if "number" in payload else _NO_CHUNK,
        words=words,
        key=payload.get("search_scope"),
        points=(*point_ids(MemoryId(id), payload),) if text else (),
        chars=max(len(text), _LEAST_CHARS),
    )


def best_chunks(points: Mapping[str, Known], ranked: Mapping[str, float]) -> dict[str, Near]:
    """Return memories with their best chunk, in the order of the points, which are nearest first and known."""
    memories: dict[str, Near] = {}
    for point, cosine in ranked.items():
        memories.setdefault(points[point].owner, Near(cosine, point))
    return memories
