"""The metrics: their names are what dashboards and alerts are written against, their values what they were told."""

import re

from prometheus_client.parser import text_string_to_metric_families

from memoryos_adapters.metrics import TEXT_FORMAT, EventMetrics, GatewayMetrics, Metrics
from memoryos_ports.events import QueueStats

SHARED = {
    "memoryos_build_info",
    "memoryos_dependency_up",
    "memoryos_queue_length",
    "memoryos_queue_oldest_age_seconds",
    "memoryos_dead_letters",
}
GATEWAY = {
    "memoryos_requests_total",
    "memoryos_request_duration_seconds",
    "memoryos_chat_memory_total",
    "memoryos_exchanges_lost_total",
    "memoryos_outbox_length",
    "memoryos_outbox_refused_total",
    "memoryos_llm_tokens_total",
    "memoryos_published_total",
}
EVENTS = {
    "memoryos_events_total",
    "memoryos_event_apply_seconds",
    "memoryos_event_attempts",
    "memoryos_events_in_hand",
    "memoryos_runner_paused",
    "memoryos_dead_letters_total",
}


def test_every_name_that_dashboards_rely_on_is_exported_once() -> None:
    metrics = Metrics("memoryos_gateway")
    GatewayMetrics(metrics)
    EventMetrics(metrics)

    assert ours(metrics) == sorted(SHARED | GATEWAY | EVENTS)


def test_a_process_exports_no_name_of_another_kind_of_process() -> None:
    worker, gateway = Metrics("memoryos_worker"), Metrics("memoryos_gateway")
    EventMetrics(worker)
    GatewayMetrics(gateway)

    assert ours(worker) == sorted(SHARED | EVENTS)
    assert ours(gateway) == sorted(SHARED | GATEWAY)


def test_two_registries_of_one_process_know_nothing_of_each_other() -> None:
    one, other = Metrics("memoryos_worker"), Metrics("memoryos_worker")

    one.queue(QueueStats(length=7, oldest_age_s=1.5, dead=2))

    assert value(one, "memoryos_queue_length") == 7
    assert value(other, "memoryos_queue_length") == 0


def test_the_exposition_is_what_prometheus_reads() -> None:
    body, content_type = Metrics("memoryos_worker").exposition()

    assert content_type == TEXT_FORMAT
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"process_cpu_seconds", "python_gc_collections", "memoryos_build_info"} <= names
    assert b"_created" not in body


def test_the_packages_of_the_process_are_told_with_their_versions() -> None:
    text = Metrics("memoryos_worker").exposition()[0].decode()

    assert re.findall(r'memoryos_build_info\{package="(\w+)",version="\d+\.\d+\.\d+"\} 1\.0', text) == [
        "memoryos_ports",
        "memoryos_core",
        "memoryos_adapters",
        "memoryos_worker",
    ]


def test_what_is_bypassed_is_neither_up_nor_down() -> None:
    metrics = Metrics("memoryos_gateway")

    metrics.dependencies({"redis": "up", "qdrant": "up", "memory": "bypassed"})
    metrics.dependencies({"redis": "up", "qdrant": "down", "memory": "bypassed"})

    states = {name: value(metrics, "memoryos_dependency_up", dependency=name) for name in ("redis", "qdrant", "memory")}
    assert states == {"redis": 1, "qdrant": 0, "memory": None}


def test_the_queue_is_what_the_log_last_said() -> None:
    metrics = Metrics("memoryos_worker")

    metrics.queue(QueueStats(length=12, oldest_age_s=3.4, dead=1))

    figures = [value(metrics, name) for name in ("queue_length", "queue_oldest_age_seconds", "dead_letters")]
    assert figures == [12, 3.4, 1]


def test_an_event_counts_under_its_outcome_and_its_attempts_once_it_has_ended() -> None:
    metrics = Metrics("memoryos_worker")
    events = EventMetrics(metrics)

    events.ended("failed", attempts=1, seconds=0.2)
    events.ended("put_off", attempts=1, seconds=0.2)
    events.ended("stored", attempts=2, seconds=0.02)
    events.ended("buried", attempts=5, seconds=0.02)

    outcomes = ("stored", "failed", "put_off", "buried")
    assert [value(metrics, "events_total", outcome=outcome) for outcome in outcomes] == [1, 1, 1, 1]
    assert value(metrics, "event_apply_seconds_sum", outcome="failed") == 0.2
    assert value(metrics, "event_attempts_count") == 2
    assert value(metrics, "event_attempts_sum") == 7
    assert value(metrics, "dead_letters_total") == 1


def test_burials_of_this_process_are_not_mixed_up_with_the_dead_letters_there_are() -> None:
    metrics = Metrics("memoryos_worker")
    events = EventMetrics(metrics)

    metrics.queue(QueueStats(length=0, oldest_age_s=0, dead=40))
    events.ended("buried", attempts=1, seconds=0.1)

    assert (value(metrics, "dead_letters"), value(metrics, "dead_letters_total")) == (40, 1)


def test_the_state_of_the_runner_is_told() -> None:
    metrics = Metrics("memoryos_worker")
    events = EventMetrics(metrics)

    events.in_hand(3)
    events.paused(True)
    assert (value(metrics, "events_in_hand"), value(metrics, "runner_paused")) == (3, 1)

    events.in_hand(0)
    events.paused(False)
    assert (value(metrics, "events_in_hand"), value(metrics, "runner_paused")) == (0, 0)


def test_what_a_gateway_did_is_counted() -> None:
    metrics = Metrics("memoryos_gateway")
    gateway = GatewayMetrics(metrics)

    gateway.request(method="POST", path="/v1/memory/{id}", status=200, seconds=0.25)
    gateway.chat_memory("degraded")
    gateway.exchange_lost()
    gateway.outbox(4)
    gateway.outbox_refused()
    gateway.llm_tokens("m", prompt=100, completion=20)
    gateway.published("outbox")

    assert value(metrics, "requests_total", method="POST", path="/v1/memory/{id}", status="200") == 1
    assert value(metrics, "request_duration_seconds_sum", path="/v1/memory/{id}") == 0.25
    assert value(metrics, "chat_memory_total", state="degraded") == 1
    assert value(metrics, "exchanges_lost_total") == 1
    assert value(metrics, "outbox_length") == 4
    assert value(metrics, "outbox_refused_total") == 1
    assert value(metrics, "llm_tokens_total", model="m", kind="prompt") == 100
    assert value(metrics, "llm_tokens_total", model="m", kind="completion") == 20
    assert value(metrics, "published_total", outcome="outbox") == 1


def ours(metrics: Metrics) -> list[str]:
    """Return the names of our families, as the text format's TYPE lines have them."""
    return sorted(re.findall(r"^# TYPE (memoryos_\w+) ", metrics.exposition()[0].decode(), re.MULTILINE))


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return the value of one series as it is exported, None when there is none."""
    full = name if name.startswith("memoryos_") else f"memoryos_{name}"
    families = text_string_to_metric_families(metrics.exposition()[0].decode())
    found = [s.value for family in families for s in family.samples if s.name == full and s.labels == labels]
    assert len(found) <= 1
    return found[0] if found else None
