"""A whole answer in Anthropic's dialect (wire contract: AN12, AN14, AN15, AN18)."""

import msgspec

from memoryos_adapters.llm.anthropic.errors import AnthropicErrors
from memoryos_adapters.llm.anthropic.format import ANSWER_TOOL
from memoryos_adapters.llm.anthropic.thoughts import as_extra, keep_thoughts
from memoryos_adapters.llm.anthropic.wire import (
    WireAnswer,
    WireBlock,
    arguments_of,
    finish_reason_of,
    read_block,
    usage_of,
)
from memoryos_adapters.llm.replay import ReplayCache
from memoryos_adapters.llm.wire import decode_wire
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.llm import AnswerMessage, ChatAnswer, ChatRequest, Choice, ToolCall

_DECODER = msgspec.json.Decoder(WireAnswer)
_SERVICE_TIERS = {"standard": "default"}


def read_answer(
    body: bytes, request: ChatRequest, *, by_tool: bool, errors: AnthropicErrors, cache: ReplayCache
) -> ChatAnswer:
    """Decode the body of a 200; `by_tool` says that a call of `ANSWER_TOOL` is the answer's text.

    Raises the error that the body holds, if it holds one, and UpstreamProtocolError for what is no answer.
    """
    upstream = errors.upstream
    wire = decode_wire(_DECODER, body, upstream=upstream)
    if wire.error:
        raise errors.error_inside(body, model=request.model)
    if wire.content is None:
        raise UpstreamProtocolError(upstream=upstream, detail="an answer without content")
    blocks = [(read_block(raw, upstream=upstream), raw) for raw in wire.content]
    message = _message(blocks, wire, by_tool=by_tool)
    thoughts = [raw for block, raw in blocks if block.type in ("thinking", "redacted_thinking")]
    keep_thoughts(cache, request, message.tool_calls, thoughts)
    answer_id, created, model = wire.head(model=request.model)
    choice = Choice(
        index=0,
        message=msgspec.structs.replace(message, extra=as_extra(thoughts)),
        finish_reason=finish_reason_of(wire.stop_reason, calls_tools=bool(message.tool_calls), upstream=upstream),
        native_finish_reason=wire.stop_reason,
    )
    return ChatAnswer(
        id=answer_id,
        created=created,
        model=model,
        choices=(choice,),
        usage=usage_of(wire.usage),
        service_tier=_SERVICE_TIERS.get(wire.usage.service_tier or "", wire.usage.service_tier),
    )


def _message(blocks: list[tuple[WireBlock, msgspec.Raw]], wire: WireAnswer, *, by_tool: bool) -> AnswerMessage:
    said, reasoning, calls = "", "", []
    for block, _ in blocks:
        match block.type:
            case "text":
                said += block.text
            case "thinking":
                reasoning += block.thinking
            case "tool_use" if by_tool and block.name == ANSWER_TOOL:
                said += arguments_of(block)
            case "tool_use":
                calls.append(ToolCall(id=block.id, name=block.name, arguments=arguments_of(block)))
    return AnswerMessage(
        content=None if calls and not said else said,
        refusal=wire.stop_details.explanation if wire.stop_details is not None else None,
        reasoning=reasoning or None,
        tool_calls=tuple(calls),
    )
