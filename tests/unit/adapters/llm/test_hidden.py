"""What never shows in an error, whatever the provider repeats of it."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from memoryos_adapters.llm.anthropic.dialect import AnthropicDialect
from memoryos_adapters.llm.dialect import ChatDialect
from memoryos_adapters.llm.gemini.adapter import GeminiDialect
from memoryos_adapters.llm.ollama.adapter import OllamaDialect
from memoryos_adapters.llm.openai.dialect import OpenAiDialect
from memoryos_adapters.llm.openrouter.adapter import OpenRouterDialect
from memoryos_adapters.settings import LlmProviderSettings, Secret
from memoryos_ports.errors import UpstreamRejected

_Dialect: TypeAlias = Callable[[str, LlmProviderSettings], ChatDialect]


def message_of(said: str, dialect: _Dialect = OpenAiDialect, *, key: str | None = None, **headers: str) -> str:
    """Return what is told of a refusal that says this."""
    settings = LlmProviderSettings(
        kind="openai",
        base_url="https://llm.internal/v1",
        api_key=None if key is None else Secret(key),
        headers={name: Secret(value) for name, value in headers.items()},
    )
    error = dialect("server", settings).error_of(b'{"message":"%s"}' % said.encode(), status=400, headers={}, model="m")
    assert isinstance(error, UpstreamRejected)
    return error.message


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("key sk-0123456789", "key …"),
        ("header pk-0123456789", "header …"),
        ("token tk-0123456789", "token …"),
        ("Bearer tk-0123456789", "Bearer …"),
        ("at llm.internal", "at …"),
    ],
)
def test_the_key_the_values_of_headers_and_the_host_never_show(said: str, told: str) -> None:
    assert message_of(said, key="sk-0123456789", one="pk-0123456789", two="Bearer tk-0123456789") == told


@pytest.mark.parametrize("dialect", [AnthropicDialect, GeminiDialect, OllamaDialect, OpenRouterDialect])
def test_the_values_of_headers_never_show_in_any_dialect(dialect: _Dialect) -> None:
    assert "pk-0123456789" not in message_of("header pk-0123456789", dialect, one="pk-0123456789")


def test_a_key_that_is_no_secret_leaves_words_as_they_are() -> None:
    assert message_of("must be none or low", key="none", title="low") == "must be none or low"
