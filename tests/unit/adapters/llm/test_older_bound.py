"""The bound on an answer under its older name."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.openai.older_bound import with_older_bound
from tests.contract.llm.requests import make_request


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"max_completion_tokens": 5, "seed": 1}, {"max_tokens": 5, "seed": 1}),
        ({"max_completion_tokens": 5, "max_tokens": 9}, {"max_tokens": 5}),
        ({"max_completion_tokens": None, "max_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({}, {}),
    ],
)
def test_the_newer_name_wins_and_null_counts_as_absent(given: dict[str, Any], expected: dict[str, Any]) -> None:
    fitted = with_older_bound(make_request(**given).params)

    assert {name: msgspec.json.decode(raw) for name, raw in fitted.items()} == expected
