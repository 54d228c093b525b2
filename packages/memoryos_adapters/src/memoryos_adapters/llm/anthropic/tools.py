"""Tools and the choice among them in Anthropic's dialect (AN8)."""

import re
from typing import Any

import msgspec

from memoryos_adapters.llm.anthropic.blocks import MaybeRaw
from memoryos_adapters.llm.anthropic.models import Capabilities
from memoryos_adapters.llm.anthropic.schema import closed_schema
from memoryos_adapters.llm.chat_params import ChatParams, FunctionSpec, ToolSpec, unsupported
from memoryos_ports.llm import ChatRequest

_NATIVE_TOOL = re.compile(r"\w+_20\d{6}")  # web_search_20260318, bash_20250124, ...


class Tool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A function that the model may call."""

    name: str
    input_schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None
    cache_control: MaybeRaw = msgspec.UNSET


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """The tools of a request; `forced` says that one has to be called. `dropped` names what could not be said."""

    tools: list[Tool | msgspec.Raw]
    choice: dict[str, Any] | None
    forced: bool
    dropped: tuple[str, ...]

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the request."""
        choice = {} if self.choice is None else {"tool_choice": self.choice}
        return {"tools": self.tools, **choice} if self.tools else choice


class _Function(FunctionSpec, frozen=True):
    cache_control: MaybeRaw = msgspec.UNSET


class _Tool(ToolSpec, frozen=True):
    function: _Function | None = None
    cache_control: MaybeRaw = msgspec.UNSET


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


def object_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that says that it is an object's."""
    return {"type": "object", **schema}


def read_tools(request: ChatRequest, params: ChatParams, able: Capabilities, answer: Tool | None) -> Tools:
    """Return the caller's tools, and the one for the answer where there is one.

    Raises InvalidInput for a tool or a choice that cannot be said.
    """
    tools, dropped = _callers_tools(request, params, able)
    choice = _choice(params, has_tools=bool(tools))
    if answer is not None:
        choice, tools = _with_answer(choice, answer, has_tools=bool(tools)), [*tools, answer]
    forced = choice is not None and choice["type"] in ("any", "tool")
    if forced and not able.forces_tools:
        choice, forced, dropped = _left_to_it(choice), False, (*dropped, "tool_choice")
    return Tools(tools=tools, choice=choice, forced=forced, dropped=dropped)


def _with_answer(choice: dict[str, Any] | None, answer: Tool, *, has_tools: bool) -> dict[str, Any]:
    """The model has to answer by this tool or call one of the caller's, where it may; a forced one goes before."""
    word = "auto" if choice is None else choice["type"]
    if word == "none" or not has_tools:
        return {"type": "tool", "name": answer.name}
    return {**(choice or {}), "type": "any" if word == "auto" else word}


def _left_to_it(choice: dict[str, Any] | None) -> dict[str, Any]:
    others = {name: value for name, value in (choice or {}).items() if name != "name"}
    return {**others, "type": "auto"}


def _callers_tools(
    request: ChatRequest, params: ChatParams, able: Capabilities
) -> tuple[list[Tool | msgspec.Raw], tuple[str, ...]]:
    found = params.take("tools", list[_Tool]) or []
    raws = _RAWS.decode(request.params["tools"]) if found else []
    tools = [
        _tool(tool, raw, f"tools[{place}]", able) for place, (tool, raw) in enumerate(zip(found, raws, strict=True))
    ]
    strict = any(tool.function is not None and tool.function.strict for tool in found)
    return tools, ("tools.function.strict",) if strict and not able.structured else ()


def _tool(tool: _Tool, raw: msgspec.Raw, path: str, able: Capabilities) -> Tool | msgspec.Raw:
    if (function := tool.function) is not None:
        strict = function.strict if able.structured else None
        return Tool(
            name=function.name,
            description=function.description,
            input_schema=_input_schema(function, f"{path}.function.parameters", strict=strict is True),
            strict=strict,
            cache_control=tool.cache_control or function.cache_control,
        )
    if _NATIVE_TOOL.fullmatch(tool.type):
        return raw
    raise unsupported(f"{path}.type", f"tools of type {tool.type!r} are not supported by this provider")


def _input_schema(function: FunctionSpec, path: str, *, strict: bool) -> dict[str, Any]:
    schema = object_schema(function.parameters or {"properties": {}})
    return object_schema(closed_schema(schema, param=path)) if strict else schema


def _choice(params: ChatParams, *, has_tools: bool) -> dict[str, Any] | None:
    parallel = params.take("parallel_tool_calls", bool)
    match params.tool_choice():
        case "required":
            choice: dict[str, Any] = {"type": "any"}
        case None | "auto" | "none" as word:
            if not has_tools or (word is None and parallel is not False):
                return None
            choice = {"type": word or "auto"}
        case named:
            choice = {"type": "tool", "name": named.removeprefix("=")}
    if parallel is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return choice
