"""Memories as the routes answer them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from memoryos_core.extraction.lineage import BEGINNING_UNKNOWN
from memoryos_core.ranking.knowledge import KnowledgeHit
from memoryos_core.ranking.ranker import Hit
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import Memory, Page

Kind: TypeAlias = Literal["page", "segment", "fact"]


class FactDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What is particular to a fact: it held from `valid_from` up to `valid_to`, and came from the pages `sources`.

    No `valid_from`: it is not known since when it held.
    """

    subject: Literal["user", "agent"]
    slot: str | None
    value: str
    valid_from: datetime | None
    valid_to: datetime | None
    superseded_by: str | None
    sources: list[str]
    trust: float
    confidence: float
    pinned: bool


class SegmentDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What is particular to a segment: its pages, in the order in which they joined it."""

    pages: list[str]
    keywords: list[str]
    visits: int
    started_at: datetime


class MemoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A memory as it is listed. A segment's `text` is its summary; `event_id` and `role` are those of a page.

    `quarantined` and `superseded` stand only at pages that are held back, or whose answer was regenerated.
    """

    id: str
    event_id: str | None
    kind: Kind
    text: str
    role: str | None
    name: str | None
    session_id: str | None
    timestamp: datetime
    metadata: dict[str, Any]
    quarantined: Literal[True] | msgspec.UnsetType = msgspec.UNSET
    superseded: Literal[True] | msgspec.UnsetType = msgspec.UNSET
    fact: FactDetail | msgspec.UnsetType = msgspec.UNSET
    segment: SegmentDetail | msgspec.UnsetType = msgspec.UNSET


class SearchHit(MemoryItem, frozen=True, kw_only=True):
    """A memory that answers a query. `chunk` is its best stretch, `score` 0..1 within this answer."""

    chunk: str
    score: float
    explain: dict[str, float] | msgspec.UnsetType = msgspec.UNSET


def to_item(memory: Memory) -> MemoryItem:
    """Return a memory as it is listed."""
    return MemoryItem(**_fields(memory))


def merged_hits(pages: Sequence[Hit], knowledge: Sequence[KnowledgeHit], *, explain: bool) -> list[SearchHit]:
    """Return pages, segments and facts together as they are answered, best first."""
    hits = [_to_hit(hit.page, hit.excerpt, hit, explain=explain) for hit in pages]
    hits += [_to_hit(hit.memory, hit.memory.text, hit, explain=explain) for hit in knowledge]
    return sorted(hits, key=lambda hit: -hit.score)


def _to_hit(memory: Memory, chunk: str, hit: Hit | KnowledgeHit, *, explain: bool) -> SearchHit:
    parts = hit.features if explain else msgspec.UNSET
    return SearchHit(**_fields(memory), chunk=chunk, score=hit.score, explain=parts)


def _fields(memory: Memory) -> dict[str, Any]:
    common = {"id": memory.id, "text": memory.text, "session_id": memory.session_id, "timestamp": memory.timestamp}
    match memory:
        case Page():
            said = {"event_id": memory.event_id, "role": memory.role, "name": memory.name}
            return {**common, **said, "kind": "page", "metadata": memory.metadata, **_marks(memory)}
        case Fact():
            learnt = {"event_id": None, "role": None, "name": memory.speaker}
            return {**common, **learnt, "kind": "fact", "metadata": {}, "fact": _fact_detail(memory)}
        case Segment():
            grown = {"event_id": None, "role": None, "name": None}
            return {**common, **grown, "kind": "segment", "metadata": {}, "segment": _segment_detail(memory)}


def _marks(page: Page) -> dict[str, bool]:
    marks = {"quarantined": page.quarantined, "superseded": page.superseded}
    return {name: True for name, is_so in marks.items() if is_so}


def _fact_detail(fact: Fact) -> FactDetail:
    return FactDetail(
        subject=fact.subject,
        slot=fact.slot,
        value=fact.value,
        valid_from=None if fact.valid_from == BEGINNING_UNKNOWN else fact.valid_from,
        valid_to=fact.valid_to,
        superseded_by=fact.superseded_by,
        sources=list(fact.sources),
        trust=fact.trust,
        confidence=fact.confidence,
        pinned=fact.pinned,
    )


def _segment_detail(segment: Segment) -> SegmentDetail:
    return SegmentDetail(
        pages=list(segment.pages),
        keywords=list(segment.keywords),
        visits=segment.visits,
        started_at=segment.started_at,
    )
