"""What OpenAI's reasoning models do not take is translated, or dropped and named (wire contract: OA1, OA2, X5)."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.openai.dialect import OpenAiDialect
from memoryos_adapters.llm.openai.models import reasons
from memoryos_adapters.settings import LlmProviderSettings
from tests.contract.llm.requests import make_request

_TOOLS = [{"type": "function", "function": {"name": "f"}}]
_SAMPLING: dict[str, Any] = {
    "temperature": 0.2,
    "top_p": 0.9,
    "presence_penalty": 1,
    "frequency_penalty": 1,
    "logprobs": True,
    "top_logprobs": 3,
    "logit_bias": {"50256": -100},
}


def sent(model: str, *, base_url: str = "https://api.openai.com/v1", **params: Any) -> tuple[dict[str, Any], set[str]]:
    """Return the parameters as they go out, and the names of those that do not."""
    dialect = OpenAiDialect("openai", LlmProviderSettings(kind="openai", base_url=base_url))
    outgoing = dialect.encode(make_request(model=model, **params), stream=False)
    body = msgspec.json.decode(outgoing.body)
    return {name: body[name] for name in body if name not in ("model", "messages", "stream")}, set(
        outgoing.dropped_params
    )


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("o1", True),
        ("o3-mini-2025-01-31", True),
        ("o4-mini", True),
        ("ft:o4-mini-2025-04-16:org::id", True),
        ("gpt-5", True),
        ("gpt-5-nano-2025-08-07", True),
        ("gpt-5.1-chat-latest", True),
        ("gpt-5.6-terra", True),
        ("gpt-6", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
        ("gpt-4.1-mini", False),
        ("gpt-35-turbo", False),
        ("gpt-oss-120b", False),
        ("omni-moderation-latest", False),
        ("my-o3-deployment", False),
        ("gpt-50x", False),
    ],
)
def test_reasoning_models_are_known_by_their_names(model: str, expected: bool) -> None:
    assert reasons(model) is expected


@pytest.mark.parametrize("model", ["o3", "gpt-5"])
def test_a_reasoning_model_gets_the_newer_bound(model: str) -> None:
    assert sent(model, max_tokens=7) == ({"max_completion_tokens": 7}, set())


def test_of_two_bounds_the_newer_one_is_sent() -> None:
    assert sent("o3", max_tokens=7, max_completion_tokens=8) == ({"max_completion_tokens": 8}, {"max_tokens"})


@pytest.mark.parametrize(
    ("model", "effort"),
    [
        ("o3", {}),
        ("o3", {"reasoning_effort": "none"}),
        ("gpt-5", {}),
        ("gpt-5-mini", {"reasoning_effort": "minimal"}),
        ("gpt-5.1", {"reasoning_effort": "low"}),
        ("gpt-5.1-chat-latest", {}),
        ("gpt-5.6", {}),
        ("gpt-5.6", {"reasoning_effort": None}),
    ],
)
def test_sampling_is_dropped_and_named_while_a_model_reasons(model: str, effort: dict[str, Any]) -> None:
    assert sent(model, seed=1, **effort, **_SAMPLING) == ({"seed": 1, **effort}, set(_SAMPLING))


@pytest.mark.parametrize(
    ("model", "effort"),
    [
        ("gpt-5.1", {}),
        ("gpt-5.4-mini-2026-03-05", {}),
        ("gpt-5.1", {"reasoning_effort": "none"}),
        ("gpt-5.6", {"reasoning_effort": "none"}),
    ],
)
def test_sampling_is_sent_to_a_model_that_does_not_reason_now(model: str, effort: dict[str, Any]) -> None:
    assert sent(model, **effort, **_SAMPLING) == ({**effort, **_SAMPLING}, set())


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5-chat-latest", "gpt-oss-120b"])
def test_other_models_get_everything(model: str) -> None:
    assert sent(model, max_tokens=7, **_SAMPLING) == ({"max_tokens": 7, **_SAMPLING}, set())


def test_other_models_get_everything_wherever_they_are() -> None:
    params = {"max_tokens": 7, "reasoning_effort": "high", "tools": _TOOLS, **_SAMPLING}

    assert sent("qwen3", base_url="http://127.0.0.1:8000/v1", **params) == (params, set())
    assert sent("gpt-oss-120b", base_url="http://127.0.0.1:8000/v1", **params) == (params, set())


def test_openais_models_are_known_by_name_behind_any_server() -> None:
    body, dropped = sent("gpt-5", base_url="http://127.0.0.1:8000/v1", max_tokens=7, temperature=0.5)

    assert (body, dropped) == ({"max_completion_tokens": 7}, {"temperature"})


@pytest.mark.parametrize(
    ("model", "effort", "expected", "dropped"),
    [
        ("gpt-5.2", {"reasoning_effort": "high"}, {"reasoning_effort": "high"}, set()),
        ("gpt-5.4", {}, {}, set()),
        ("gpt-5.4", {"reasoning_effort": "high"}, {}, {"reasoning_effort"}),
        ("gpt-5.5", {"reasoning_effort": "none"}, {"reasoning_effort": "none"}, set()),
        ("gpt-5.6", {}, {"reasoning_effort": "none"}, set()),
        ("gpt-5.6-luna", {"reasoning_effort": "high"}, {"reasoning_effort": "none"}, {"reasoning_effort"}),
        ("gpt-6", {"reasoning_effort": "none"}, {"reasoning_effort": "none"}, set()),
    ],
)
def test_tools_win_over_reasoning_where_they_exclude_each_other(
    model: str, effort: dict[str, Any], expected: dict[str, Any], dropped: set[str]
) -> None:
    assert sent(model, tools=_TOOLS, **effort) == ({"tools": _TOOLS, **expected}, dropped)


def test_no_tools_at_all_do_not_end_reasoning() -> None:
    assert sent("gpt-5.6", tools=[], reasoning_effort="high") == ({"tools": [], "reasoning_effort": "high"}, set())


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"max_completion_tokens": None, "max_tokens": 7}, 7),
        ({"max_completion_tokens": 7, "max_tokens": None}, 7),
        ({"max_tokens": None}, None),
    ],
)
def test_a_bound_that_is_null_is_none(bounds: dict[str, Any], expected: int | None) -> None:
    assert sent("o3", **bounds) == ({"max_completion_tokens": expected}, set())


def test_a_parameter_that_says_nothing_is_not_named() -> None:
    assert sent("o3", temperature=None) == ({}, set())


def test_an_effort_that_a_model_does_not_know_is_sent_as_given() -> None:
    assert sent("gpt-5.6", reasoning_effort="minimal") == ({"reasoning_effort": "minimal"}, set())
