"""Facts as they are stored."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from memoryos_core.consolidation.facts import KnownFact
from memoryos_core.consolidation.listing import all_facts
from memoryos_core.consolidation.memo import Memo
from memoryos_core.consolidation.replacement import becoming
from memoryos_core.memory.embedding_policy import GuardedEmbedder
from memoryos_ports.documents import Document, DocumentStore
from memoryos_ports.embedding import Vector
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Chunk, IndexEntry, MemoryStorage

CONFIRMED_KIND = "confirmed"
GONE_KIND = "gone-fact"


class EmbeddedFact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact with its entry of the index."""

    fact: KnownFact
    entry: IndexEntry


class FactStore:
    """Reads and writes facts; each is found by its words and, unless the embedder must not see it, by its meaning.

    When a fact was last said is kept in a document beside it.
    """

    def __init__(self, *, storage: MemoryStorage, documents: DocumentStore, embedder: GuardedEmbedder) -> None:
        self._storage = storage
        self._documents = documents
        self._embedder = embedder

    async def all(self, scope: Scope) -> list[KnownFact]:
        """Return every fact of a scope, those that ended included, newest first."""
        facts = await all_facts(self._storage, scope)
        documents = await self._documents.get(scope, CONFIRMED_KIND, [fact.id for fact in facts]) if facts else {}
        return [_known(fact, documents.get(fact.id)) for fact in facts]

    async def put(self, scope: Scope, facts: Sequence[KnownFact]) -> None:
        """Write facts, all in one step; one that was deleted does not come back."""
        await self.write(scope, await self.embedded(facts, self.memo()))

    def memo(self) -> Memo:
        """Return an empty memo of vectors."""
        return Memo(self._embedder)

    async def embedded(self, facts: Sequence[KnownFact], memo: Memo) -> list[EmbeddedFact]:
        """Return facts as they are written."""
        texts = [_spoken(fact) for fact in facts]
        vectors = await memo.vectors(texts, sensitive=[fact.sensitive for fact in facts])
        return [
            EmbeddedFact(fact=fact, entry=_entry(fact.bare, text, vector))
            for fact, text, vector in zip(facts, texts, vectors, strict=True)
        ]

    async def write(self, scope: Scope, embedded: Sequence[EmbeddedFact]) -> None:
        """Write facts that are embedded, as `put` does."""
        if not embedded:
            return
        moments = {item.fact.id: msgspec.json.encode(item.fact.confirmed_at) for item in embedded}
        await self._documents.update(
            scope, {(CONFIRMED_KIND, str(id_)): becoming(body) for id_, body in moments.items()}
        )
        await self._storage.put([item.entry for item in embedded])

    async def gone(self, scope: Scope, ids: Sequence[MemoryId]) -> Collection[MemoryId]:
        """Return those of the ids whose facts were deleted: no statement is to make them again."""
        found = await self._documents.get(scope, GONE_KIND, ids) if ids else {}
        return {id_ for id_ in ids if id_ in found}

    async def delete(self, scope: Scope, ids: Sequence[MemoryId]) -> list[MemoryId]:
        """Delete facts for good; return those that existed."""
        if not ids:
            return []
        await self._documents.update(scope, {(GONE_KIND, str(id_)): becoming(b"") for id_ in ids})
        await self._documents.delete(scope, CONFIRMED_KIND, ids)
        return await self._storage.delete(scope, ids)


def _known(fact: Fact, document: Document | None) -> KnownFact:
    moment = fact.valid_from if document is None else msgspec.json.decode(document.body, type=datetime)
    return KnownFact.of(fact, confirmed_at=moment)


def _spoken(fact: Fact) -> str:
    return f"{fact.speaker}: {fact.text}" if fact.speaker else fact.text


def _entry(fact: Fact, text: str, vector: Vector | None) -> IndexEntry:
    return IndexEntry(memory=fact, chunks=(Chunk(number=0, start=0, end=len(fact.text), vector=vector),), terms=text)
