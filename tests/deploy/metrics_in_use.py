"""The names and labels of metrics that the alert rules and the dashboard use, read from their PromQL."""

import json
from collections.abc import Iterator
from typing import Any

import promql_parser

from tests.deploy.files import DEPLOY, read_yaml


def rule_expressions() -> list[str]:
    """Return the expressions of all alerts."""
    return [rule["expr"] for group in read_yaml(DEPLOY / "prometheus/rules.yml")["groups"] for rule in group["rules"]]


def dashboard() -> Any:
    """Return the Grafana dashboard."""
    return json.loads((DEPLOY / "grafana/memoryos.json").read_text())


def dashboard_expressions() -> list[str]:
    """Return the expressions of all panels, Grafana's variable for the interval filled in."""
    targets = [target for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    return [target["expr"].replace("$__rate_interval", "1m") for target in targets]


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the metric and the labels of every selector of an expression. Raises ValueError when it is not PromQL."""
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    for node in found:
        if isinstance(node, promql_parser.VectorSelector):
            yield node.name or "", {matcher.name for matcher in node.matchers.matchers}
