"""Memories as they go into the index: cut into chunks, each with its vector, and with the words that find them."""

from collections.abc import Sequence
from typing import assert_never

from memoryos_core.memory.chunks import chunk_spans
from memoryos_core.memory.embedding_policy import GuardedEmbedder
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.embedding import Embedder
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import Chunk, IndexEntry, Memory, Page


class Indexer:
    """Makes index entries; what an embedder outside must not see has no vectors."""

    def __init__(self, embedder: Embedder, rules: SensitiveRules | None = None) -> None:
        self._embedder = GuardedEmbedder(embedder, rules)

    async def entries(self, memories: Sequence[Memory]) -> list[IndexEntry]:
        """Return one entry per memory, in order; all texts are embedded together. Raises what the embedder raises."""
        spans = [chunk_spans(memory.text) for memory in memories]
        stretches = [(m, start, end) for m, own in zip(memories, spans, strict=True) for start, end in own]
        vectors = iter(
            await self._embedder.vectors(
                [spoken(memory, memory.text[start:end]) for memory, start, end in stretches],
                sensitive=[memory.sensitive for memory, _, _ in stretches],
            )
        )
        return [
            IndexEntry(
                memory=memory,
                terms=terms_of(memory),
                chunks=tuple(
                    Chunk(number=n, start=start, end=end, vector=next(vectors)) for n, (start, end) in enumerate(own)
                ),
            )
            for memory, own in zip(memories, spans, strict=True)
        ]


def textless_entry(memory: Memory) -> IndexEntry:
    """Return the entry of a memory that is about to be deleted: it is found by nothing."""
    return IndexEntry(memory=memory, chunks=(Chunk(number=0, start=0, end=len(memory.text)),), terms="")


def terms_of(memory: Memory) -> str:
    """Return the text whose words make a memory findable."""
    return spoken(memory, memory.text)


def spoken(memory: Memory, text: str) -> str:
    """Return a text as it is embedded and indexed: with its speaker, where the speaker has a name."""
    match memory:
        case Page():
            return f"{memory.name}: {text}" if memory.name else text
        case Fact():
            return f"{memory.speaker}: {text}" if memory.speaker else text
        case Segment():
            return text
        case _ as never:
            assert_never(never)
