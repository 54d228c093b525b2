"""Whether a gateway applies events itself, and what it counts then."""

from memoryos_adapters.metrics import EventMetrics, Metrics
from memoryos_adapters.settings import Settings
from memoryos_core.pipeline.observer import EventObserver, Unobserved


def consumes_events(settings: Settings) -> bool:
    """Return whether a gateway applies events itself: on the server profile workers do, unless told otherwise."""
    return settings.storage.profile != "server" or settings.worker.async_pipeline is False


def make_event_observer(settings: Settings, metrics: Metrics) -> EventObserver:
    """Return what counts events; a gateway that leaves them to workers does not export a consumer's figures.

    Their absence is what the alert MemoryOSNobodyConsumes goes by.
    """
    return EventMetrics(metrics) if consumes_events(settings) else Unobserved()
