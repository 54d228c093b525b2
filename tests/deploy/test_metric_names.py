"""Alerts and dashboard ask for metrics and labels that the processes export, and none is left unseen."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from memoryos_adapters.metrics import EventMetrics, GatewayMetrics, Metrics
from memoryos_ports.events import QueueStats
from tests.deploy.files import DEPLOY, read_yaml
from tests.deploy.metrics_in_use import dashboard, dashboard_expressions, rule_expressions, selectors

OF_PROMETHEUS = {"up": set[str]()}
ADDED_BY_PROMETHEUS = {"job", "instance"}


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """Return the labels of every series that a gateway and a worker export, by name."""
    metrics = Metrics("memoryos_gateway")
    _fill(metrics, GatewayMetrics(metrics), EventMetrics(metrics))
    text = metrics.exposition()[0].decode()
    families = text_string_to_metric_families(text)
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def _fill(metrics: Metrics, gateway: GatewayMetrics, events: EventMetrics) -> None:
    """Give every metric with labels a series: without one its labels cannot be seen."""
    metrics.dependencies({"redis": "up"})
    metrics.queue(QueueStats(length=0, oldest_age_s=0, dead=0))
    gateway.request(method="GET", path="/", status=200, seconds=0)
    gateway.chat_memory("ok")
    gateway.llm_tokens("model", prompt=0, completion=0)
    gateway.published("new")
    events.ended("stored", attempts=1, seconds=0)


@pytest.mark.parametrize("expression", rule_expressions() + dashboard_expressions())
def test_an_expression_asks_for_what_is_exported(expression: str, exported: dict[str, set[str]]) -> None:
    known = exported | OF_PROMETHEUS
    for name, labels in selectors(expression):
        assert name in known
        assert labels <= known[name] | ADDED_BY_PROMETHEUS


@pytest.mark.parametrize("expression", rule_expressions() + dashboard_expressions())
def test_an_expression_groups_by_labels_that_are_there(expression: str, exported: dict[str, set[str]]) -> None:
    known = exported | OF_PROMETHEUS
    labels = set().union(ADDED_BY_PROMETHEUS, *(known[name] for name, _ in selectors(expression)))
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    assert {label.strip() for group in grouped for label in group.split(",")} <= labels


def test_that_nobody_consumes_is_seen_by_a_metric_that_no_other_process_exports() -> None:
    metrics = Metrics("memoryos_gateway")
    GatewayMetrics(metrics)
    (expression,) = [
        rule["expr"]
        for group in read_yaml(DEPLOY / "prometheus/rules.yml")["groups"]
        for rule in group["rules"]
        if rule["alert"] == "MemoryOSNobodyConsumes"
    ]
    ((name, _),) = selectors(expression)
    assert expression == f"absent({name})"
    assert name not in metrics.exposition()[0].decode()


def test_no_metric_of_ours_is_left_unseen(exported: dict[str, set[str]]) -> None:
    used = {name for expression in rule_expressions() + dashboard_expressions() for name, _ in selectors(expression)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported if name.startswith("memoryos_")}
    assert families <= {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}


def test_every_alert_says_how_bad_it_is_and_what_it_means() -> None:
    rules = [rule for group in read_yaml(DEPLOY / "prometheus/rules.yml")["groups"] for rule in group["rules"]]
    assert [rule["alert"] for rule in rules if rule["labels"]["severity"] not in ("warning", "critical")] == []
    assert [rule["alert"] for rule in rules if not rule["annotations"].get("summary")] == []
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_the_alerts_watch_every_way_in_which_a_turn_could_be_lost_or_late() -> None:
    watched = {name for expression in rule_expressions() for name, _ in selectors(expression)}
    assert watched >= {
        "memoryos_queue_length",
        "memoryos_queue_oldest_age_seconds",
        "memoryos_dead_letters",
        "memoryos_runner_paused",
        "memoryos_dependency_up",
        "memoryos_outbox_length",
        "memoryos_outbox_refused_total",
        "memoryos_exchanges_lost_total",
        "memoryos_chat_memory_total",
        "memoryos_requests_total",
    }


def test_the_panels_of_the_dashboard_have_a_place_of_their_own() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    squares = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(squares)) == len(squares)
    assert max(x for x, _ in squares) < 24


def test_grafana_finds_the_dashboard_and_its_data_where_compose_puts_them() -> None:
    (provider,) = read_yaml(DEPLOY / "grafana/provisioning/dashboards/memoryos.yml")["providers"]
    (source,) = read_yaml(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
    services = read_yaml(DEPLOY / "compose/docker-compose.cluster.yml")["services"]
    mounts = [mount.split(":")[1] for mount in services["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/memoryos.json" in mounts
    assert source["url"] == "http://prometheus:9090"
    assert services["prometheus"]["ports"] == ["127.0.0.1:9090:9090"]
