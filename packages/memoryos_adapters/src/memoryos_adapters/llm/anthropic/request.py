"""A chat request in Anthropic's dialect (wire contract: AN1-AN13, X5)."""

from typing import Any

import msgspec

from memoryos_adapters.llm.anthropic.blocks import TextBlock
from memoryos_adapters.llm.anthropic.format import read_format
from memoryos_adapters.llm.anthropic.messages import read_conversation, unsaid_fields
from memoryos_adapters.llm.anthropic.models import Capabilities
from memoryos_adapters.llm.anthropic.options import read_options
from memoryos_adapters.llm.anthropic.thinking import Thinking, read_thinking
from memoryos_adapters.llm.anthropic.thoughts import thoughts_of
from memoryos_adapters.llm.anthropic.tools import read_tools
from memoryos_adapters.llm.anthropic.turns import Turns
from memoryos_adapters.llm.chat_params import ChatParams
from memoryos_adapters.llm.replay import ReplayCache
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatRequest

_ENCODER = msgspec.json.Encoder()


def encode_request(
    request: ChatRequest, able: Capabilities, *, stream: bool, max_tokens: int, cache: ReplayCache
) -> tuple[bytes, tuple[str, ...]]:
    """Return the body of a call and the names of what it does not hold of the caller's parameters.

    `max_tokens` counts when the caller gave no bound. Raises InvalidInput that names what cannot be said.
    """
    params = ChatParams(request.params)
    params.one_choice()
    system, turns, unsaid = _conversation(request, able, cache)
    format_ = read_format(params, able)
    tools = read_tools(request, params, able, format_.tool)
    asked = params.max_output_tokens()
    thinking = read_thinking(
        params, able, max_tokens=asked or max_tokens, forced=tools.forced, lost=turns.lost_thoughts
    )
    options, not_taken = read_options(params, able, thinks=thinking.config is not None)
    body = {
        "model": request.model,
        "max_tokens": _bound(asked, max_tokens, thinking),
        **_system([*system, *format_.words]),
        "messages": turns.items,
        **tools.fields,
        **thinking.fields,
        **_output_config(params, format_.native, thinking.effort),
        **options,
        "stream": stream,
    }
    return _ENCODER.encode(body), (*params.dropped(), *not_taken, *thinking.dropped, *tools.dropped, *unsaid)


def _conversation(
    request: ChatRequest, able: Capabilities, cache: ReplayCache
) -> tuple[list[TextBlock], Turns, tuple[str, ...]]:
    system, turns = read_conversation(
        request.messages,
        lambda message, sent: thoughts_of(cache, request, message, sent),
        bound_thoughts=able.bound_thoughts,
    )
    unsaid = () if turns.end(prefill=able.prefill) else (_last_answer(request),)
    if not turns.items:
        raise InvalidInput("messages must hold something that the user says", param="messages")
    return system, turns, (*unsaid, *unsaid_fields(request.messages))


def _last_answer(request: ChatRequest) -> str:
    places = (place for place, message in enumerate(request.messages) if message.role == "assistant")
    return f"messages[{max(places)}]"


def _system(blocks: list[TextBlock]) -> dict[str, Any]:
    return {"system": blocks} if blocks else {}


def _bound(asked: int | None, default: int, thinking: Thinking) -> int:
    """Return the bound on the answer, which has room for more than the thoughts (AN3)."""
    budget = thinking.budget_tokens
    if asked is None:
        return default if default > budget else default + budget
    if asked < 1:
        raise InvalidInput("max_tokens must be at least 1", param="max_tokens")
    if asked <= budget:
        raise InvalidInput("thinking.budget_tokens must be less than max_tokens", param="thinking.budget_tokens")
    return asked


def _output_config(params: ChatParams, format_: dict[str, Any] | None, effort: str | None) -> dict[str, Any]:
    config: dict[str, Any] = params.take("output_config", dict[str, msgspec.Raw]) or {}
    if format_ is not None:
        config["format"] = format_
    if effort is not None:
        config["effort"] = effort
    return {"output_config": config} if config else {}
