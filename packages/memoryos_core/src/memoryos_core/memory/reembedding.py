"""Vectors for memories that an index holds already, in the place of another embedder's."""

from collections.abc import Sequence

from memoryos_core.memory.embedding_policy import GuardedEmbedder
from memoryos_core.memory.indexing import spoken
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.embedding import Embedder, Vector
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import Chunk, Memory


class Reembedder:
    """Embeds stored memories; what an embedder outside must not see has no vectors, nor has an evicted segment.

    A segment is embedded by its summary and keywords, until the mean of its pages takes that place as it grows.
    """

    def __init__(self, embedder: Embedder, rules: SensitiveRules | None = None) -> None:
        self._embedder = GuardedEmbedder(embedder, rules)

    async def vectors(self, stored: Sequence[tuple[Memory, Sequence[Chunk]]]) -> list[list[Vector | None]]:
        """Return one vector or None per chunk of each memory, in order; all texts are embedded together.

        Raises what the embedder raises.
        """
        texts = [_text(memory, chunk) for memory, chunks in stored for chunk in chunks if _has_vector(memory)]
        marks = [memory.sensitive for memory, chunks in stored for _ in chunks if _has_vector(memory)]
        made = iter(await self._embedder.vectors(texts, sensitive=marks))
        return [[next(made) if _has_vector(memory) else None for _ in chunks] for memory, chunks in stored]


def _has_vector(memory: Memory) -> bool:
    return not (isinstance(memory, Segment) and memory.evicted)


def _text(memory: Memory, chunk: Chunk) -> str:
    if isinstance(memory, Segment):
        return " ".join((memory.text, *memory.keywords))
    return spoken(memory, memory.text[chunk.start : chunk.end])
