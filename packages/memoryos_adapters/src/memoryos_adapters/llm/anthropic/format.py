"""The shape of the answer in Anthropic's dialect (AN9)."""

from typing import Any

import msgspec

from memoryos_adapters.llm.anthropic.blocks import TextBlock
from memoryos_adapters.llm.anthropic.models import Capabilities
from memoryos_adapters.llm.anthropic.schema import closed_schema
from memoryos_adapters.llm.anthropic.tools import Tool, object_schema
from memoryos_adapters.llm.chat_params import ChatParams, JsonSchemaFormat, ResponseFormat, unsupported
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatRequest

ANSWER_TOOL = "json_answer"
"""The tool that a model without native schemas must call with its answer; clients never see it."""

_SCHEMA = "response_format.json_schema.schema"
_ANY_JSON = "Answer with one JSON object, and nothing before or after it: no other text and no code fence."


class AnswerFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How the shape of the answer is asked for: natively, by a forced tool, or in words; in no way at all: any text."""

    native: dict[str, Any] | None = None
    tool: Tool | None = None
    words: tuple[TextBlock, ...] = ()


def read_format(params: ChatParams, able: Capabilities) -> AnswerFormat:
    """Return what `response_format` asks for. ``json_object`` has no native word: the system says it."""
    match params.take("response_format", ResponseFormat):
        case None | ResponseFormat(type="text"):
            return AnswerFormat()
        case ResponseFormat(type="json_object"):
            return AnswerFormat(words=(TextBlock(text=_ANY_JSON),))
        case ResponseFormat(type="json_schema", json_schema=JsonSchemaFormat(schema=dict(schema)) as asked):
            if able.structured:
                closed = closed_schema(schema, param=_SCHEMA)
                return AnswerFormat(native={"type": "json_schema", "schema": closed})
            described = asked.description or "Give your answer with this tool."
            return AnswerFormat(tool=Tool(name=ANSWER_TOOL, input_schema=object_schema(schema), description=described))
        case ResponseFormat(type="json_schema"):
            raise InvalidInput(f"{_SCHEMA} is missing", param=_SCHEMA)
        case other:
            raise unsupported("response_format.type", f"{other.type!r} is not supported by this provider")


def answers_by_tool(request: ChatRequest, able: Capabilities) -> bool:
    """Whether the answer to a request comes as a call of `ANSWER_TOOL`."""
    return read_format(ChatParams(request.params), able).tool is not None
