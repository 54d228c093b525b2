"""The promise of an embedder: texts to vectors."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

Vector: TypeAlias = list[float]


class EmbedderStamp(msgspec.Struct, frozen=True, kw_only=True):
    """What tells vectors of one embedder from another's; an index is stamped with it and refuses a different one."""

    name: str
    dimensions: int

    def __str__(self) -> str:
        return f"{self.name}/{self.dimensions}"


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors of unit length, so that a dot product is a cosine."""

    @property
    def stamp(self) -> EmbedderStamp:
        """Name and dimensions of the vectors; constant during the embedder's life."""
        ...

    @property
    def local(self) -> bool:
        """Whether texts stay on the operator's own machines; if not, sensitive ones must never be given to `embed`."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text, in order; length 1 (within 1e-5), `stamp.dimensions` floats each.

        The same text gives the same vector, alone or in a batch (within 1e-5). Text beyond the model's limit is
        cut, never refused; an empty text has a vector too. An empty list gives an empty list. Never blocks the
        event loop. Raises UpstreamError when the vectors come from outside and do not come.
        """
        ...


@runtime_checkable
class EmbeddingCache(Protocol):
    """What keeps vectors of texts that were embedded, and must not keep them beyond an erasure."""

    def forget(self) -> None:
        """Drop all that is kept, also what is under way: its callers get it, nobody else does."""
        ...
