"""Vectors asked for once: what is slow is done before a lock is taken, or before what it guards is read."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from memoryos_core.memory.embedding_policy import GuardedEmbedder
from memoryos_ports.embedding import Vector

_T = TypeVar("_T")


class Memo:
    """Asks an embedder for each text once, for as long as one portion of work is done."""

    def __init__(self, embedder: GuardedEmbedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[str, bool], Vector | None] = {}

    async def vectors(self, texts: Sequence[str], *, sensitive: Sequence[bool]) -> list[Vector | None]:
        """Return one vector per text, as `GuardedEmbedder.vectors` does."""
        wanted = list(zip(texts, sensitive, strict=True))
        if missing := list(dict.fromkeys(key for key in wanted if key not in self._known)):
            marks = [mark for _, mark in missing]
            made = await self._embedder.vectors([text for text, _ in missing], sensitive=marks)
            self._known |= zip(missing, made, strict=True)
        return [self._known[key] for key in wanted]

    async def settled(self, look: Callable[[], Awaitable[_T]]) -> _T:
        """Return what a look gives that had not to wait for the embedder: it is made again until it has not."""
        while True:
            known = len(self._known)
            found = await look()
            if len(self._known) == known:
                return found
