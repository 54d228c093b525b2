"""GET /metrics: the figures of this process, for Prometheus."""

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Response

from memoryos_adapters.metrics import Metrics
from memoryos_core.health import Health


@get("/metrics", media_type="text/plain")
async def get_metrics(metrics: NamedDependency[Metrics], health: NamedDependency[Health]) -> Response[bytes]:
    """Return every figure in Prometheus' text format.

    Like the health routes it asks for no key: there are counts, names of configured models and route templates in it,
    nothing of a user. Without keys it is for loopback only, as everything is; with keys the network decides who reads
    it.
    """
    metrics.dependencies(health.report.dependencies)
    body, content_type = metrics.exposition()
    return Response(body, media_type=content_type)
