"""Which versions of Azure's API are old, and what they are sent."""

import msgspec
import pytest
from yarl import URL

from memoryos_adapters.llm.azure_openai.versions import for_old_version, is_old
from memoryos_adapters.llm.dialect import Outgoing
from tests.contract.llm.requests import make_request


@pytest.mark.parametrize(
    ("version", "old"),
    [
        ("2023-05-15", True),
        ("2024-06-01", True),
        ("2024-08-01-preview", True),
        ("2024-09-01-preview", False),
        ("2024-10-21", False),
        ("2025-04-01-preview", False),
        ("preview", False),
        ("latest", False),
    ],
)
def test_a_version_is_old_by_its_date(version: str, old: bool) -> None:
    assert is_old(version) is old


def test_only_what_the_caller_asked_for_is_named() -> None:
    body = {"model": "m", "parallel_tool_calls": True, "stream_options": {"include_usage": True}}
    outgoing = Outgoing(url=URL("https://x"), body=msgspec.json.encode(body), dropped_params=("seed",))

    fitted = for_old_version(outgoing, make_request(parallel_tool_calls=True))

    assert msgspec.json.decode(fitted.body) == {"model": "m"}
    assert fitted.dropped_params == ("seed", "parallel_tool_calls")


def test_a_null_is_not_named() -> None:
    outgoing = Outgoing(url=URL("https://x"), body=b'{"model":"m","parallel_tool_calls":null}')

    assert for_old_version(outgoing, make_request(parallel_tool_calls=None)).dropped_params == ()
