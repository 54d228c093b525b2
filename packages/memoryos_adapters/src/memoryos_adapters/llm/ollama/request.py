"""A chat request as Ollama takes it.

Sources: docs/api.md of Ollama; `truncate` and `shift` from its api/types.go, where both default to true.
"""

from typing import Any

import msgspec

from memoryos_adapters.llm.chat_params import ChatParams, FunctionSpec, ResponseFormat, unsupported
from memoryos_adapters.llm.ollama.context import check_context
from memoryos_adapters.llm.ollama.messages import encode_messages
from memoryos_adapters.llm.unsaid import unsaid_fields
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatRequest

_NATIVE = ("format", "keep_alive", "think", "truncate", "shift")
_FLOAT_OPTIONS = ("temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty")
_INT_OPTIONS = ("seed", "top_k")

_LEVELS = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_THINKS_IN_LEVELS = "gpt-oss"

_FALSE = msgspec.Raw(b"false")
_ENCODER = msgspec.json.Encoder()


def encode_request(request: ChatRequest, *, stream: bool, num_ctx: int, upstream: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the body of a call and the names of the parameters that it has no word for.

    `num_ctx` (tokens) is asked for unless the caller's own `options` name another. Nothing is cut silently: the server
    is told to refuse a prompt that does not fit, and not to shift the oldest tokens out while it answers; a caller who
    wants either says so with Ollama's own `truncate` and `shift`.
    """
    params = ChatParams(request.params)
    params.one_choice()
    options = {"num_ctx": num_ctx, **_options(params)}
    tools, dropped = _tools(params)
    native = {"truncate": _FALSE, "shift": _FALSE, **_native(params)}
    if bytes(native["truncate"]) != b"true":
        check_context(request, num_ctx=options["num_ctx"], upstream=upstream)
    body = {
        "model": request.model,
        "messages": encode_messages(request.messages),
        "stream": stream,
        "options": options,
        **tools,
        **_format(params),
        **_think(params, request.model),
        **native,
    }
    return _ENCODER.encode(body), (*params.dropped(), *dropped, *unsaid_fields(request.messages))


def _options(params: ChatParams) -> dict[str, Any]:
    """Return the model's options (OL2): OpenAI's names for them, overruled by Ollama's own."""
    options: dict[str, Any] = {name: params.take(name, float) for name in _FLOAT_OPTIONS}
    options |= {name: params.take(name, int) for name in _INT_OPTIONS}
    options |= {"num_predict": params.max_output_tokens(), "stop": params.stop() or None}
    native = params.take("options", dict[str, Any]) or {}
    return {name: value for name, value in (options | _checked(native)).items() if value is not None}


def _checked(native: dict[str, Any]) -> dict[str, Any]:
    num_ctx = native.get("num_ctx")
    if num_ctx is not None and (type(num_ctx) is not int or num_ctx < 1):
        raise InvalidInput("options.num_ctx: must be a positive integer", param="options.num_ctx")
    return native


def _tools(params: ChatParams) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the tools, and what cannot be kept of the wishes about them.

    Ollama lets the model choose: ``none`` takes the tools away and a named one leaves only that; that one is called at
    all (as ``required`` wants, too) cannot be had, nor can a schema be enforced (`strict`).
    """
    functions, choice = params.tools(), params.tool_choice()
    if choice == "none":
        functions = []
    elif choice is not None and choice.startswith("="):
        functions = [function for function in functions if function.name == choice[1:]]
        if not functions:
            raise InvalidInput("tool_choice.function.name: no such tool", param="tool_choice.function.name")
    dropped = [] if choice in (None, "auto", "none") else ["tool_choice"]
    dropped += [f"tools[{place}].function.strict" for place, function in enumerate(functions) if function.strict]
    return ({"tools": list(map(_tool, functions))} if functions else {}), tuple(dropped)


def _tool(function: FunctionSpec) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": function.name}
    if function.description is not None:
        spec["description"] = function.description
    spec["parameters"] = function.parameters or {"type": "object", "properties": {}}
    return {"type": "function", "function": spec}


def _format(params: ChatParams) -> dict[str, Any]:
    """Return the form of the answer: ``json``, or a schema (OL9)."""
    wanted = params.take("response_format", ResponseFormat)
    match wanted:
        case None | ResponseFormat(type="text"):
            return {}
        case ResponseFormat(type="json_object"):
            return {"format": "json"}
        case ResponseFormat(type="json_schema", json_schema=schema) if schema is not None and schema.schema is not None:
            return {"format": schema.schema}
        case ResponseFormat(type="json_schema"):
            raise InvalidInput(
                "response_format.json_schema.schema: missing", param="response_format.json_schema.schema"
            )
        case _:
            raise unsupported("response_format.type", f"{wanted.type!r} is not supported here")


def _think(params: ChatParams, model: str) -> dict[str, Any]:
    """Return whether the model thinks, and how much where it knows levels (OL5).

    Only gpt-oss does; others refuse a level (docs.ollama.com/capabilities/thinking; claude-code-router#1093).
    """
    effort = params.take("reasoning_effort", str)
    if effort is None:
        return {}
    if effort != "none" and effort not in _LEVELS:
        raise unsupported("reasoning_effort", f"{effort!r} is not supported here")
    if effort == "none" or _THINKS_IN_LEVELS not in model.lower():
        return {"think": effort != "none"}
    return {"think": _LEVELS[effort]}


def _native(params: ChatParams) -> dict[str, msgspec.Raw]:
    """Return Ollama's own fields as the caller wrote them."""
    return {name: raw for name in _NATIVE if (raw := params.take_raw(name)) is not None}
