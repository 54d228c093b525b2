"""The mean of the vectors of a segment's pages, as a sum that grows."""

import math
from collections.abc import Iterable, Sequence
from typing import Self

import msgspec

from memoryos_ports.embedding import Vector
from memoryos_ports.ids import MemoryId


class Centroid(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of the vectors of `pages`; a page without a vector adds nothing. `stamp` names the embedder of all."""

    stamp: str
    total: tuple[float, ...] = ()
    pages: tuple[MemoryId, ...] = ()

    def plus(self, page: MemoryId, vector: Vector | None) -> Self:
        """Return the centroid with one more page; one that is part of it already adds nothing."""
        if page in self.pages:
            return self
        total = self.total if vector is None else _sum(self.total, vector)
        return msgspec.structs.replace(self, total=total, pages=(*self.pages, page))

    def lacks(self, pages: Iterable[MemoryId]) -> list[MemoryId]:
        """Return those of the pages that are not part of it."""
        return [page for page in pages if page not in self.pages]

    @property
    def vector(self) -> Vector | None:
        """The mean at unit length; None when no page has a vector, or they cancel out."""
        length = math.hypot(*self.total)
        return [x / length for x in self.total] if length else None


def cosine(one: Sequence[float] | None, other: Sequence[float] | None) -> float | None:
    """Return the cosine of two unit vectors, None when one is missing."""
    if one is None or other is None:
        return None
    return sum(x * y for x, y in zip(one, other, strict=True))


def _sum(total: Sequence[float], vector: Sequence[float]) -> tuple[float, ...]:
    return tuple(vector) if not total else tuple(x + y for x, y in zip(total, vector, strict=True))
