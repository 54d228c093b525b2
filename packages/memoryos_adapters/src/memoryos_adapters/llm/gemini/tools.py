"""The functions that the model may call, and how it chooses among them."""

from typing import Any

import msgspec

from memoryos_adapters.llm.chat_params import ChatParams, FunctionSpec
from memoryos_adapters.llm.gemini.config import native_object
from memoryos_adapters.llm.gemini.model import GeminiModel
from memoryos_adapters.llm.gemini.schema import openapi_schema

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


class _Declaration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None


class Tools:
    """The tools of one request: `declared` for its ``tools``, `config` for its ``toolConfig``, each None when empty.

    `dropped` names what Gemini has no word for.
    """

    def __init__(self, params: ChatParams, model: GeminiModel) -> None:
        """Raises InvalidInput that names the tool which cannot be said."""
        functions = params.tools()
        self._declarations = [_declaration(at, function, model) for at, function in enumerate(functions)]
        search = params.take("web_search_options", dict[str, msgspec.Raw])
        self._searches = search is not None
        self.dropped = tuple(f"web_search_options.{option}" for option in search or ())
        if params.take("parallel_tool_calls", bool) is False:
            self.dropped += ("parallel_tool_calls",)
        self._choice = params.tool_choice()
        self._is_strict = any(function.strict for function in functions)
        self._native_config = native_object(params, "tool_config")

    @property
    def declared(self) -> list[dict[str, Any]] | None:
        """The functions in one tool, and Google's search in another when the caller asks for a search of the web."""
        tools: list[dict[str, Any]] = [{"functionDeclarations": self._declarations}] if self._declarations else []
        return tools + ([{"googleSearch": {}}] if self._searches else []) or None

    @property
    def config(self) -> dict[str, Any] | None:
        """The caller's own, under what ``tool_choice`` and ``strict`` say."""
        calling = self._calling() if self._declarations else None
        return self._native_config | ({"functionCallingConfig": calling} if calling else {}) or None

    def _calling(self) -> dict[str, Any] | None:
        choice = self._choice
        if choice is not None and choice.startswith("="):
            return {"mode": "ANY", "allowedFunctionNames": [choice[1:]]}
        if self._is_strict and choice in (None, "auto"):
            return {"mode": "VALIDATED"}  # AUTO with calls that keep to their schema
        return {"mode": _MODES[choice]} if choice is not None else None


def _declaration(place: int, function: FunctionSpec, model: GeminiModel) -> _Declaration:
    schema = function.parameters
    old = schema if schema and not model.takes_json_schema else None
    param = f"tools[{place}].function.parameters"
    properties = old is None or bool(old.get("properties"))  # an object without any is refused by older models
    return _Declaration(
        name=function.name,
        description=function.description,
        parameters=openapi_schema(old, param=param) if old is not None and properties else None,
        parameters_json_schema=schema if schema and model.takes_json_schema else None,
    )
