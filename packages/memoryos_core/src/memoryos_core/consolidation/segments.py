"""What a segment is made of: which pages it takes in, and what its pages make of it. Pure."""

from collections.abc import Collection, Sequence

import msgspec

from memoryos_core.extraction.keywords import extract_keywords
from memoryos_core.extraction.summaries import summarise
from memoryos_ports.cursor import position_of
from memoryos_ports.ids import MemoryId, segment_id
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import Page

SIMILARITY = 0.6
"""The threshold θ of `likeness` from which a page joins a segment (MemoryOS paper, section 3)."""

MAX_PAGES = 32
"""A segment of this many pages is closed.

What it says is made of all its pages whenever one joins, so this bounds the work; one summary can still tell of them;
and the mean of many more vectors is near to everything.
"""

KEYWORDS = 12


def admits(segment: Segment, page: Page) -> bool:
    """Return whether a page may join a segment: agents stay apart, and what must stay local from what need not."""
    return (
        not segment.evicted
        and (len(segment.pages) < MAX_PAGES or page.id in segment.pages)
        and segment.agent_id == page.agent_id
        and segment.sensitive == page.sensitive
    )


def likeness(cosine: float | None, one: Collection[str], other: Collection[str]) -> float:
    """Return the cosine plus the Jaccard overlap of the keywords (MemoryOS paper), -1..2, higher is closer.

    Without a vector on one side (the embedder must not see sensitive texts) the keywords count twice.
    """
    here, there = {word.casefold() for word in one}, {word.casefold() for word in other}
    shared = len(here & there) / len(here | there) if here | there else 0.0
    return (shared if cosine is None else cosine) + shared


def begun_by(page: Page, *, edition: int = 0) -> MemoryId:
    """Return the id of the segment that a page begins; another one each time it was edited."""
    return segment_id(page.scope, MemoryId(f"{page.id}/{edition}") if edition else page.id)


def open_segment(id_: MemoryId, page: Page) -> Segment:
    """Return a segment without pages that is to take this one."""
    return Segment(
        id=id_,
        scope=page.scope,
        text="",
        timestamp=page.timestamp,
        started_at=page.timestamp,
        accepted_at=page.accepted_at,
        last_visit=page.timestamp,
        agent_id=page.agent_id,
        sensitive=page.sensitive,
    )


def joined(segment: Segment, page: Page) -> Segment:
    """Return the segment with one more page, not analysed yet; a page that is in it already changes nothing."""
    if page.id in segment.pages:
        return segment
    return msgspec.structs.replace(segment, pages=(*segment.pages, page.id), pending=(*segment.pending, page.id))


def redrawn(segment: Segment, pages: Sequence[Page]) -> Segment:
    """Return the segment as these pages, all that it has, make it: keywords, times, summary.

    A summary that a language model wrote stays until the segment is summarised again.
    """
    ordered = sorted(pages, key=position_of)
    sessions = {page.session_id for page in ordered}
    return msgspec.structs.replace(
        segment,
        pages=tuple(page.id for page in ordered),
        pending=tuple(page.id for page in ordered if page.id in segment.pending),
        keywords=extract_keywords(ordered, limit=KEYWORDS),
        text=segment.text if segment.summarised else summarise(ordered),
        timestamp=ordered[-1].timestamp,
        started_at=ordered[0].timestamp,
        accepted_at=max(page.accepted_at for page in ordered),
        session_id=sessions.pop() if len(sessions) == 1 else None,
    )


def without(segment: Segment, pages: Collection[MemoryId]) -> Segment:
    """Return the segment without these pages, to be drawn and summarised again."""
    return msgspec.structs.replace(
        segment,
        pages=tuple(id_ for id_ in segment.pages if id_ not in pages),
        pending=tuple(id_ for id_ in segment.pending if id_ not in pages),
        summarised=0,
    )
