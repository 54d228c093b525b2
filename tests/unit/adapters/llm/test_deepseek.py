"""What DeepSeek's models do with thoughts, by name and by request."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.deepseek.models import is_before_v4, thinks
from memoryos_adapters.llm.deepseek.params import fit_params
from tests.contract.llm.requests import make_request

SAMPLING: dict[str, Any] = {"temperature": 0.5, "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1}


@pytest.mark.parametrize(
    ("model", "older"),
    [
        ("deepseek-chat", True),
        ("deepseek-reasoner", True),
        ("deepseek-r1-0528", True),
        ("deepseek-v3", True),
        ("deepseek-ai/DeepSeek-V3.2-Exp", True),
        ("deepseek-v4-flash", False),
        ("deepseek-v4.1-pro", False),
        ("deepseek-v30", False),
        ("deepseek-flash", False),
        ("something-else", False),
    ],
)
def test_a_model_is_older_by_its_name(model: str, older: bool) -> None:
    assert is_before_v4(model) is older


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        ("deepseek-v4-pro", None, True),
        ("deepseek-v4-pro", {"type": "enabled"}, True),
        ("deepseek-v4-pro", {"type": "disabled"}, False),
        ("deepseek-v4-pro", "nonsense", True),
        ("deepseek-v4-pro", {"type": 7}, True),
        ("deepseek-chat", None, False),
        ("deepseek-chat", {"type": "enabled"}, True),
        ("deepseek-reasoner", None, True),
        ("deepseek-reasoner", {"type": "disabled"}, True),
    ],
)
def test_newer_models_think_unless_told_otherwise(model: str, thinking: Any, expected: bool) -> None:
    asked = {} if thinking is None else {"thinking": thinking}

    assert thinks(make_request(model=model, **asked)) is expected


@pytest.mark.parametrize(
    ("model", "more", "dropped"),
    [
        ("deepseek-v4-pro", {}, tuple(SAMPLING)),
        ("deepseek-v4-pro", {"thinking": {"type": "disabled"}}, ()),
        ("deepseek-v4-pro", {"logprobs": True}, tuple(SAMPLING)),
        ("deepseek-reasoner", {"logprobs": True, "top_logprobs": 2}, (*SAMPLING, "logprobs", "top_logprobs")),
        ("deepseek-chat", {"logprobs": True}, ()),
    ],
)
def test_sampling_is_for_models_that_do_not_think(model: str, more: dict[str, Any], dropped: tuple[str, ...]) -> None:
    request = make_request(model=model, **SAMPLING, **more)

    params, named = fit_params(request)

    assert named == dropped
    assert {*params} == {*request.params} - {*dropped}


def test_the_bound_on_an_answer_has_its_older_name() -> None:
    params, named = fit_params(make_request(model="deepseek-v4-pro", max_completion_tokens=7))

    assert params == {"max_tokens": msgspec.Raw(b"7")}
    assert named == ()
