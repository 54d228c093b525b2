"""Segments of an export, back in the index, with their pages in them."""

from collections.abc import Sequence

from memoryos_core.consolidation.places import Places
from memoryos_core.consolidation.segment_store import SegmentStore
from memoryos_ports.ids import Scope
from memoryos_ports.knowledge import Segment


class SegmentRestorer:
    """Writes segments that are told rather than grown."""

    def __init__(self, *, segments: SegmentStore, places: Places) -> None:
        self._segments = segments
        self._places = places

    async def restore(self, scope: Scope, segments: Sequence[Segment]) -> None:
        """Write segments whose pages are in the index, and note which page is in which."""
        await self._places.decide(scope, {page: segment.id for segment in segments for page in segment.pages})
        await self._segments.put(scope, segments)
