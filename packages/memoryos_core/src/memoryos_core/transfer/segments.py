"""Segments of an export, back in the index, with their pages in them."""

from collections.abc import Sequence

from memoryos_core.consolidation.places import Places
from memoryos_core.consolidation.segment_store import Cluster, SegmentStore
from memoryos_ports.ids import Scope
from memoryos_ports.knowledge import Segment


class SegmentRestorer:
    """Writes segments that are told rather than grown."""

    def __init__(self, *, segments: SegmentStore, places: Places) -> None:
        self._segments = segments
        self._places = places

    async def completed(self, scope: Scope, segments: Sequence[Segment]) -> list[Cluster]:
        """Return segments with the vectors of their pages, those that are in the index."""
        clusters = await self._segments.clusters(scope, segments)
        return await self._segments.completed(scope, clusters, self._segments.memo())

    async def restore(self, scope: Scope, clusters: Sequence[Cluster]) -> None:
        """Write segments that are completed, and note which page is in which."""
        homes = {page: cluster.segment.id for cluster in clusters for page in cluster.segment.pages}
        await self._places.decide(scope, homes)
        await self._segments.write(scope, clusters)
