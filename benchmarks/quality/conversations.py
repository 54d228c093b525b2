"""Conversations of a benchmark file as the candidates that the index would return, by numpy instead of an engine."""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoryos_adapters.embedding.encoder import MiniLmEncoder
from memoryos_adapters.storage.bm25 import weigh_document, weigh_query
from memoryos_core.memory.chunks import chunk_spans
from memoryos_core.ranking.topic import topic
from memoryos_ports.ids import DEFAULT_TENANT, EventId, MemoryId, Scope, SessionId, UserId
from memoryos_ports.memory import Candidate, Chunk, Page

LIST_LIMIT = 200
NEIGHBOURS_OF = 50

Vectors = NDArray[np.float32]


class VectorCache:
    """Vectors of texts, kept in one file per set of texts: embedding BEAM takes ten minutes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def embed(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """Return the vector of each text."""
        distinct = sorted(set(texts))
        file = self._directory / f"{hashlib.sha256(json.dumps(distinct).encode()).hexdigest()[:16]}.npy"
        if not file.is_file():
            self._directory.mkdir(parents=True, exist_ok=True)
            np.save(file, MiniLmEncoder.load().encode(distinct))
        return dict(zip(distinct, np.load(file), strict=True))


class Conversation:
    """One conversation as one user's memory, with the file's questions that have evidence."""

    def __init__(self, record: dict[str, Any], vectors: dict[str, Vectors]) -> None:
        self.id: str = record["id"]
        self.questions: list[dict[str, Any]] = [asked for asked in record["questions"] if asked["evidence"]]
        self.pages = _pages(record["turns"])
        self._vectors = vectors
        pieces = [(at, vectors[text]) for at, page in enumerate(self.pages) for text in _chunk_texts(page)]
        self._chunks = np.array([vector for _, vector in pieces])
        self._first_chunk = np.searchsorted([at for at, _ in pieces], range(len(self.pages)))
        self._after = {page.follows: at for at, page in enumerate(self.pages) if page.follows is not None}
        self._postings: dict[int, dict[int, float]] = defaultdict(dict)
        for at, page in enumerate(self.pages):
            for term, weight in weigh_document(f"{page.name}: {page.text}").items():
                self._postings[term][at] = weight

    def candidates(self, question: str) -> list[Candidate]:
        """Return what the index would bring up: both lists and the neighbours of their best."""
        about = topic(question)
        cosines = np.maximum.reduceat(self._chunks @ self._vectors[about], self._first_chunk)
        words = self._words(about)
        near = [int(at) for at in np.argsort(-cosines, kind="stable")[:LIST_LIMIT]]
        worded = sorted(words, key=lambda at: -sum(words[at].values()))[:LIST_LIMIT]
        found = {*near, *worded, *self._neighbours([*near[:NEIGHBOURS_OF], *worded[:NEIGHBOURS_OF]])}
        whole = Chunk(number=0, start=0, end=0)
        return [
            Candidate(page=self.pages[at], chunk=whole, cosine=float(cosines[at]), words=words.get(at, {}))
            for at in sorted(found)
        ]

    def _words(self, text: str) -> dict[int, dict[int, float]]:
        words: dict[int, dict[int, float]] = defaultdict(dict)
        for term in weigh_query(text):
            holders = self._postings.get(term, {})
            idf = math.log(1 + (len(self.pages) - len(holders) + 0.5) / (len(holders) + 0.5))
            for at, weight in holders.items():
                words[at][term] = idf * weight
        return words

    def _neighbours(self, places: Iterable[int]) -> Iterable[int]:
        for at in places:
            if self.pages[at].follows is not None:
                yield at - 1
            if (after := self._after.get(self.pages[at].id)) is not None:
                yield after


def load_conversations(files: Iterable[Path], cache: VectorCache) -> list[list[Conversation]]:
    """Return the conversations of each file."""
    return [_load(json.loads(file.read_text()), cache) for file in files]


def _load(data: dict[str, Any], cache: VectorCache) -> list[Conversation]:
    texts: list[str] = []
    for record in data["conversations"]:
        texts += [topic(asked["question"]) for asked in record["questions"]]
        texts += [text for page in _pages(record["turns"]) for text in _chunk_texts(page)]
    vectors = cache.embed(texts)
    return [Conversation(record, vectors) for record in data["conversations"]]


def _pages(turns: Sequence[dict[str, Any]]) -> list[Page]:
    pages: list[Page] = []
    for at, turn in enumerate(turns):
        follows = pages[-1].id if pages and pages[-1].session_id == turn["session"] else None
        pages.append(_page(at, turn, follows))
    return pages


def _page(at: int, turn: dict[str, Any], follows: MemoryId | None) -> Page:
    said = datetime.fromisoformat(turn["time"]).replace(tzinfo=UTC)
    return Page(
        id=MemoryId(turn["id"]),
        scope=Scope(tenant_id=DEFAULT_TENANT, user_id=UserId("benchmark")),
        event_id=EventId(turn["id"]),
        index=at,
        role="assistant" if turn["speaker"] == "assistant" else "user",
        name=turn["speaker"],
        text=turn["text"],
        timestamp=said,
        accepted_at=said,
        content_hash="",
        session_id=SessionId(turn["session"]),
        follows=follows,
    )


def _chunk_texts(page: Page) -> list[str]:
    return [f"{page.name}: {page.text[start:end]}" for start, end in chunk_spans(page.text)]
