"""Sensitive pages are grouped and read without any embedder or model that is not local."""

from collections.abc import Sequence

import msgspec

from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_core.consolidation.assembly import Consolidation, assemble_consolidation
from memoryos_ports.embedding import Vector
from tests.support.consolidation import EAGER, TALK, facts, say, segments
from tests.support.extractions import finds, learner_with, scripted
from tests.support.memory_stack import MemoryStack, stores_of


class RemoteEmbedder(HashedEmbedder):
    """An embedder outside the house that keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    @property
    def local(self) -> bool:
        """Return False."""
        return False

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Keep the texts and return their vectors."""
        self.shown += texts
        return await super().embed(texts)


async def test_sensitive_pages_reach_no_embedder_and_no_model_outside(stack: MemoryStack) -> None:
    embedder, llm = RemoteEmbedder(), scripted(finds())
    stores = msgspec.structs.replace(stores_of(stack), embedder=embedder)
    consolidation = assemble_consolidation(stores, learner=learner_with(llm), policy=EAGER)
    await say(stack, f"{TALK[0]}. I live in Lisbon.", TALK[0], TALK[0], sensitive=True)
    await _work(stack, consolidation)
    assert (embedder.shown, llm.requests) == ([], [])
    assert [fact.value for fact in await facts(stack)] == ["Lisbon"]
    assert max(len(segment.pages) for segment in await segments(stack)) > 1  # by their words alone


async def _work(stack: MemoryStack, consolidation: Consolidation) -> None:
    stack.clock.advance(60)
    while leases := await consolidation.consolidator.claim(limit=1):
        await consolidation.consolidator.work(leases[0])
