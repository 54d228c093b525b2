"""Dialects that only know functions say so for calls of another type, with the place of the call."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from memoryos_adapters.llm.anthropic.dialect import AnthropicDialect
from memoryos_adapters.llm.functions_only import check_functions_only
from memoryos_adapters.llm.gemini.adapter import GeminiDialect
from memoryos_adapters.llm.ollama.adapter import OllamaDialect
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import Message
from tests.contract.llm.requests import make_request

_FUNCTION = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_CUSTOM = {"id": "call_2", "type": "custom", "custom": {"name": "code", "input": "print(1)"}}


def asking(*calls: Any) -> Message:
    """Return an answer that asks for these calls."""
    return Message(role="assistant", wire=msgspec.Raw(msgspec.json.encode({"role": "assistant", "tool_calls": calls})))


def test_a_call_of_another_type_is_named_and_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_functions_only((Message(role="user", content="?"), asking(_FUNCTION, _CUSTOM)))

    assert (caught.value.param, caught.value.code) == ("messages[1].tool_calls[1].type", "unsupported_value")
    assert "custom" in caught.value.message


@pytest.mark.parametrize("dialect", [AnthropicDialect, GeminiDialect, OllamaDialect])
def test_every_other_dialect_refuses_it(dialect: type[AnthropicDialect | GeminiDialect | OllamaDialect]) -> None:
    settings = LlmProviderSettings(kind="any", base_url="http://127.0.0.1:1")
    request = make_request()
    request = replace(request, messages=(*request.messages, asking(_CUSTOM), *request.messages))

    with pytest.raises(InvalidInput) as caught:
        dialect("provider", settings).encode(request, stream=False)
    assert (caught.value.param, caught.value.code) == ("messages[1].tool_calls[0].type", "unsupported_value")


@pytest.mark.parametrize(
    "message",
    [
        asking(_FUNCTION),
        asking({"id": "call_1", "function": {"name": "f"}}),
        asking(7),
        Message(role="assistant", wire=msgspec.Raw(b'{"role":"assistant","tool_calls":null}')),
        Message(role="assistant", content="built here"),
        Message(role="user", wire=msgspec.Raw(b'{"role":"user","tool_calls":[{"type":"custom"}]}')),
    ],
)
def test_calls_of_functions_pass(message: Message) -> None:
    check_functions_only((message,))
