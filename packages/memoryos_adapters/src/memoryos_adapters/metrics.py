"""Every metric of MemoryOS, for Prometheus: what each process exports, and what a gateway or a consumer adds.

Each process has a registry of its own, and nothing is global::

    metrics = Metrics("memoryos_worker")
    events = EventMetrics(metrics)
    body, content_type = metrics.exposition()
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Final, Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from memoryos_ports.events import QueueStats

EventOutcome: TypeAlias = Literal["stored", "failed", "put_off", "buried"]
PublishOutcome: TypeAlias = Literal["new", "same", "other", "outbox"]
ChatMemoryState: TypeAlias = Literal["ok", "degraded", "off"]

TEXT_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"

_SHARED_PACKAGES: Final = ("memoryos_ports", "memoryos_core", "memoryos_adapters")
_REQUEST_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_APPLY_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_ATTEMPTS: Final = (1, 2, 3, 4, 5)


class Metrics:
    """What both processes export. `registry` is where a gateway and a consumer put theirs beside it."""

    def __init__(self, package: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        build = self.gauge("memoryos_build_info", "The packages of this process; always 1.", "package", "version")
        for name in (*_SHARED_PACKAGES, package):
            build.labels(name, version(name)).set(1)
        self._up = self.gauge("memoryos_dependency_up", "Whether a dependency answers: 1 up, 0 down.", "dependency")
        self._length = self.gauge("memoryos_queue_length", "Events neither stored nor dead, when last asked.")
        self._age = self.gauge("memoryos_queue_oldest_age_seconds", "Age of the oldest of them, 0 if there is none.")
        self._dead = self.gauge("memoryos_dead_letters", "Dead letters, when last asked.")

    def dependencies(self, states: Mapping[str, str]) -> None:
        """Set what is up and what is down; what is bypassed has no series."""
        for name, state in states.items():
            if state != "bypassed":
                self._up.labels(name).set(state == "up")

    def queue(self, stats: QueueStats) -> None:
        """Set what the log last said of its queue; a log that does not answer leaves the figures as they are."""
        self._length.set(stats.length)
        self._age.set(stats.oldest_age_s)
        self._dead.set(stats.dead)

    def exposition(self) -> tuple[bytes, str]:
        """Return everything in Prometheus' text format (0.0.4), and its content type."""
        return generate_latest(_WithoutCreated(self.registry)), TEXT_FORMAT

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Return a new counter of this registry."""
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """Return a new gauge of this registry."""
        return Gauge(name, text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
        """Return a new histogram of this registry, with these upper bounds."""
        return Histogram(name, text, labels, buckets=tuple(buckets), registry=self.registry)


class GatewayMetrics:
    """What a gateway adds. A `path` is a route's template and a `model` a configured one: never a client's own text."""

    def __init__(self, metrics: Metrics) -> None:
        self._requests = metrics.counter(
            "memoryos_requests_total", "Requests answered, by status.", "method", "path", "status"
        )
        self._seconds = metrics.histogram(
            "memoryos_request_duration_seconds", "From request to the end of its answer.", _REQUEST_S, "path"
        )
        self._chat_memory = metrics.counter(
            "memoryos_chat_memory_total", "Chats by the state of their memory.", "state"
        )
        self._lost = metrics.counter("memoryos_exchanges_lost_total", "Exchanges answered, never acknowledged, lost.")
        self._outbox = metrics.gauge("memoryos_outbox_length", "Events in the outbox that wait for the log.")
        self._refused = metrics.counter("memoryos_outbox_refused_total", "Events refused because the outbox was full.")
        self._tokens = metrics.counter("memoryos_llm_tokens_total", "Tokens by model and kind.", "model", "kind")
        self._published = metrics.counter("memoryos_published_total", "Publications by outcome.", "outcome")

    def request(self, *, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def chat_memory(self, state: ChatMemoryState) -> None:
        """Count a chat by the state its answer told."""
        self._chat_memory.labels(state).inc()

    def exchange_lost(self) -> None:
        """Count an exchange that could not be made durable."""
        self._lost.inc()

    def outbox(self, waiting: int) -> None:
        """Set how many events wait in the outbox."""
        self._outbox.set(waiting)

    def outbox_refused(self) -> None:
        """Count an event that the outbox had no room for."""
        self._refused.inc()

    def llm_tokens(self, model: str, *, prompt: int, completion: int) -> None:
        """Count the tokens of an answer."""
        self._tokens.labels(model, "prompt").inc(prompt)
        self._tokens.labels(model, "completion").inc(completion)

    def published(self, outcome: PublishOutcome) -> None:
        """Count a publication, or an event that went to the outbox instead."""
        self._published.labels(outcome).inc()


class EventMetrics:
    """What a consumer of events adds: the observer of its runner."""

    def __init__(self, metrics: Metrics) -> None:
        self._events = metrics.counter("memoryos_events_total", "Events handled by this process.", "outcome")
        self._seconds = metrics.histogram(
            "memoryos_event_apply_seconds", "From taking an event to its outcome.", _APPLY_S, "outcome"
        )
        self._attempts = metrics.histogram(
            "memoryos_event_attempts", "Attempts that an event took until it was stored or buried.", _ATTEMPTS
        )
        self._in_hand = metrics.gauge("memoryos_events_in_hand", "Events that this process is applying.")
        self._paused = metrics.gauge("memoryos_runner_paused", "Whether the runner waits for a dependency: 1 it does.")
        self._burials = Counter("memoryos_dead_letters_total", "Events that this process buried.", registry=None)
        metrics.registry.register(_Undescribed(self._burials))  # its family bears the name of the gauge

    def ended(self, outcome: EventOutcome, *, attempts: int, seconds: float) -> None:
        """Count what became of an event that was taken; `attempts` are those that ended, this one included."""
        self._events.labels(outcome).inc()
        self._seconds.labels(outcome).observe(seconds)
        if outcome in ("stored", "buried"):
            self._attempts.observe(attempts)
        if outcome == "buried":
            self._burials.inc()

    def in_hand(self, events: int) -> None:
        """Set how many events are being applied."""
        self._in_hand.set(events)

    def paused(self, paused: bool) -> None:
        """Set whether the runner waits for a dependency."""
        self._paused.set(paused)


class _Undescribed(Collector):
    """A collector whose names are not compared with those of the others."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def collect(self) -> Iterable[Metric]:
        """Return what it collects."""
        return self._collector.collect()


class _WithoutCreated(Collector):
    """A registry without the times at which series began, one more series for each, which nobody asks for."""

    def __init__(self, registry: Collector) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Return what the registry collects."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
