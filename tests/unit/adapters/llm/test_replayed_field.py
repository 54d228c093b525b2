"""A field that is put back for a client that lost it belongs to the very calls that it came with."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.openrouter.adapter import OpenRouterDialect
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.llm import ChatRequest, Message, ToolCall
from tests.support.completion import sse
from tests.support.openai_answers import choice_delta, chunk

_ID = "functions.search:0"
"""Some models count their calls, so that every conversation has this one."""


def thought(text: str) -> list[dict[str, Any]]:
    """Return details that say so."""
    return [{"type": "reasoning.text", "text": text, "index": 0}]


def call(arguments: str, **fields: Any) -> dict[str, Any]:
    """Return a call of a function."""
    return {"id": _ID, "type": "function", "function": {"name": "search", "arguments": arguments}, **fields}


def answer(dialect: OpenRouterDialect, query: str, *, streamed: bool) -> None:
    """Hear an answer that searches, and that was thought about."""
    request = ChatRequest(model="m", messages=(), owner="tenant")
    arguments = f'{{"q":"{query}"}}'
    if streamed:
        decoder = dialect.stream_decoder(request)
        for event in [
            chunk(choice_delta({"role": "assistant", "reasoning_details": thought(query)})),
            chunk(choice_delta({"tool_calls": [call(arguments[:4], index=0)]})),
            chunk(choice_delta({"tool_calls": [{"index": 0, "function": {"arguments": arguments[4:]}}]})),
            chunk(choice_delta({}, "tool_calls")),
        ]:
            decoder.feed(sse(event), into=[])
        decoder.feed(b"data: [DONE]\n\n", into=[])
    else:
        message = {
            "role": "assistant",
            "content": None,
            "reasoning_details": thought(query),
            "tool_calls": [call(arguments)],
        }
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        dialect.read_answer(msgspec.json.encode({"choices": [choice]}), request)


def sent_back(dialect: OpenRouterDialect, arguments: str) -> Any:
    """Return the details that go out with a message whose client lost them."""
    wire = msgspec.json.encode({"role": "assistant", "content": None, "tool_calls": [call(arguments)]})
    calls = (ToolCall(id=_ID, name="search", arguments=arguments),)
    message = Message(role="assistant", tool_calls=calls, wire=msgspec.Raw(wire))
    outgoing = dialect.encode(ChatRequest(model="m", messages=(message,), owner="tenant"), stream=False)
    return msgspec.json.decode(outgoing.body)["messages"][0].get("reasoning_details")


@pytest.mark.parametrize("streamed", [False, True])
def test_an_id_that_another_conversation_uses_too_brings_nothing_of_it(streamed: bool) -> None:
    dialect = OpenRouterDialect("openrouter", LlmProviderSettings(kind="openrouter", base_url="http://127.0.0.1:1"))

    answer(dialect, "here", streamed=streamed)
    answer(dialect, "there", streamed=streamed)

    assert sent_back(dialect, '{"q": "here"}') == thought("here")
    assert sent_back(dialect, '{"q": "there"}') == thought("there")
    assert sent_back(dialect, '{"q": "elsewhere"}') is None
