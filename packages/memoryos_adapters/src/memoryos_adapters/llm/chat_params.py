"""The parameters of a chat in the OpenAI dialect, as adapters of other dialects read them.

An adapter takes the parameters that its provider has a word for; the names of all others are what it dropped.
Source: the OpenAI API reference; wire contract, R3, E6, E7, X5.
"""

from typing import Any, TypeGuard, TypeVar, overload

import msgspec

from memoryos_ports.errors import InvalidInput

_T = TypeVar("_T")

_NULL = b"null"
_OURS = frozenset({"stream_options", "user"})
"""Parameters that the gateway itself obeys, so that nobody drops them."""


class FunctionSpec(msgspec.Struct, frozen=True):
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool; other types than ``function`` have no `function`."""

    type: str
    function: FunctionSpec | None = None


class NamedFunction(msgspec.Struct, frozen=True):
    """The name of a function."""

    name: str


class ToolChoice(msgspec.Struct, frozen=True):
    """One tool that must be called."""

    type: str
    function: NamedFunction | None = None


class JsonSchemaFormat(msgspec.Struct, frozen=True):
    """The schema of a structured answer."""

    name: str = "answer"
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    """What the answer has to be: ``text``, ``json_object`` or ``json_schema``."""

    type: str
    json_schema: JsonSchemaFormat | None = None


class ChatParams:
    """Reads the undecoded parameters of one request, and knows which of them nobody took.

    A null counts as absent. A value of a wrong type is an InvalidInput that names its path.
    """

    def __init__(self, params: dict[str, msgspec.Raw]) -> None:
        self._left = {name: raw for name, raw in params.items() if is_said(raw)}

    @overload
    def take(self, name: str, type_: type[_T]) -> _T | None: ...
    @overload
    def take(self, name: str, type_: Any) -> Any: ...
    def take(self, name: str, type_: Any) -> Any:
        """Return a parameter as `type_`, None when it is absent."""
        raw = self._left.pop(name, None)
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw, type=type_)
        except msgspec.ValidationError as exc:
            raise _misfit(name, exc) from exc
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise InvalidInput(f"{name}: not valid JSON", param=name) from exc

    def take_raw(self, name: str) -> msgspec.Raw | None:
        """Return a parameter as it came, for one that is passed on unread."""
        return self._left.pop(name, None)

    def max_output_tokens(self) -> int | None:
        """Return the bound on the answer: ``max_completion_tokens``, else ``max_tokens`` (AN3, OL2)."""
        given = {name: self.take(name, int) for name in ("max_completion_tokens", "max_tokens")}
        for name, bound in given.items():
            if bound is not None and bound < 1:
                raise InvalidInput(f"{name} must be at least 1", param=name)
        return given["max_completion_tokens"] or given["max_tokens"]

    def stop(self) -> list[str]:
        """Return the texts that end the answer; one may be given alone."""
        value = self.take("stop", str | list[str])
        return [value] if isinstance(value, str) else value or []

    def tools(self) -> list[FunctionSpec]:
        """Return the functions that may be called. Raises InvalidInput for a tool that is none."""
        tools: list[ToolSpec] = self.take("tools", list[ToolSpec]) or []
        return [_function_of(tool.type, tool.function, f"tools[{place}]") for place, tool in enumerate(tools)]

    def tool_choice(self) -> str | None:
        """Return ``auto``, ``none``, ``required``, or the name of a function after ``=``; None when it is absent."""
        choice = self.take("tool_choice", str | ToolChoice)
        if isinstance(choice, ToolChoice):
            return f"={_function_of(choice.type, choice.function, 'tool_choice').name}"
        if choice not in (None, "auto", "none", "required"):
            raise InvalidInput("tool_choice must be none, auto, required or name a function", param="tool_choice")
        return choice

    def one_choice(self) -> None:
        """Check that not more than one answer is asked for (`n`)."""
        wanted = self.take("n", int)
        if wanted is not None and wanted < 1:
            raise InvalidInput("n must be at least 1", param="n")
        if wanted not in (None, 1):
            raise unsupported("n", "this provider gives one answer at a time")

    def dropped(self) -> tuple[str, ...]:
        """Return the names of the parameters that nobody took, in the caller's order."""
        return tuple(name for name in self._left if name not in _OURS)


def is_said(raw: msgspec.Raw | None) -> TypeGuard[msgspec.Raw]:
    """Tell whether a parameter is there; a null counts as absent."""
    return raw is not None and bytes(raw).strip() != _NULL


def unsupported(param: str, message: str) -> InvalidInput:
    """Return the error for a value that this provider has no word for; another one's might (E7)."""
    return InvalidInput(f"{param}: {message}", param=param, code="unsupported_value")


def _function_of(type_: str, function: _T | None, path: str) -> _T:
    if type_ != "function":
        raise unsupported(f"{path}.type", f"{type_!r} is not supported here")
    if function is None:
        raise InvalidInput(f"{path}.function: missing", param=f"{path}.function")
    return function


def _misfit(name: str, exc: msgspec.ValidationError) -> InvalidInput:
    text, _, path = str(exc).partition(" - at `$")
    param = name + path.rstrip("`")
    _, _, missing = text.partition("missing required field `")
    if missing:
        param += f".{missing.rstrip('`')}"
    return InvalidInput(f"{param}: {text}", param=param)
