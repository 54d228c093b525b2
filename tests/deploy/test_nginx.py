"""The load balancer's configuration: nginx understands it, and a stream passes through it as it comes."""

from typing import Any

import crossplane  # type: ignore[import-untyped]  # ships neither stubs nor a py.typed
import pytest

from memoryos_adapters.settings import LlmProviderSettings, ServerSettings
from tests.deploy.compose import COMPOSE

CONFIG = COMPOSE / "nginx/nginx.conf"


@pytest.fixture(scope="module")
def directives() -> dict[str, list[str]]:
    """Return the arguments of the directives of the server for clients; of a repeated one the last."""
    parsed = crossplane.parse(str(CONFIG), catch_errors=False, strict=True, check_ctx=True, check_args=True)
    (http,) = [block for block in parsed["config"][0]["parsed"] if block["directive"] == "http"]
    servers = [block["block"] for block in http["block"] if block["directive"] == "server"]
    (clients,) = [server for server in servers if {"listen": ["8080"]} in [_named(line) for line in server]]
    return {line["directive"]: line["args"] for line in [*http["block"], *clients]}


def _named(line: dict[str, Any]) -> dict[str, list[str]]:
    return {line["directive"]: line["args"]}


def test_an_answer_is_passed_on_piece_by_piece(directives: dict[str, list[str]]) -> None:
    assert directives["proxy_buffering"] == ["off"]
    assert directives["proxy_http_version"] == ["1.1"]


def test_an_answer_may_take_as_long_as_a_provider_may(directives: dict[str, list[str]]) -> None:
    longest = LlmProviderSettings(kind="noop").total_timeout_s
    assert float(directives["proxy_read_timeout"][0].removesuffix("s")) > longest


def test_a_request_that_is_too_long_is_refused_by_the_gateway(directives: dict[str, list[str]]) -> None:
    assert float(directives["client_max_body_size"][0].removesuffix("m")) > ServerSettings().body_limit_mb


def test_a_write_is_never_sent_to_two_gateways(directives: dict[str, list[str]]) -> None:
    assert directives["proxy_next_upstream"] == ["error", "timeout"]  # without non_idempotent
