"""What the settings' type annotations say: which type stands at a path, and what it allows, in words."""

import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

import msgspec
from msgspec import inspect

from memoryos_adapters.settings import Secret, Settings


def is_struct(kind: object) -> TypeGuard[type[msgspec.Struct]]:
    """Tell whether a type is a section of its own."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def bare(kind: Any) -> Any:
    """Return a type without its bounds and without `| None`: ``Annotated[int, …] | None`` is int."""
    if get_origin(kind) in (Union, types.UnionType):
        return bare(next(part for part in get_args(kind) if part is not types.NoneType))
    return bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def is_text(kind: Any) -> bool:
    """Tell whether a value of this type is written as plain text, without quotes, in a variable or flag."""
    return bare(kind) in (str, Secret) or get_origin(bare(kind)) is Literal


def is_container(kind: Any) -> bool:
    """Tell whether a value of this type holds others: a section, a list or a table."""
    return is_struct(kind) or get_origin(kind) in (tuple, dict)


def locate(parts: Sequence[str]) -> tuple[tuple[str, ...], Any]:
    """Return the path that these words mean, and the type there (None when there is no such key).

    The last words of a table of plain texts are one key: ``log, modules, memoryos_core, chat`` is the module
    ``memoryos_core.chat``.
    """
    kind: Any = Settings
    for index, part in enumerate(parts):
        kind = bare(kind)
        if is_struct(kind):
            kind = next((field.type for field in msgspec.structs.fields(kind) if field.name == part), None)
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
            if not is_container(kind):
                return (*parts[:index], ".".join(parts[index:])), kind
        else:
            return tuple(parts), None
    return tuple(parts), kind


def allowed_words(kind: Any) -> str:
    """Return what a type allows: ``an integer from 0 to 65535``, ``one of 'pretty', 'json'``."""
    return _words(inspect.type_info(kind))


def found_words(value: object) -> str:
    """Return the type of a configured value as people call it."""
    names = {str: "a string", bool: "a boolean", int: "an integer", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def _words(kind: inspect.Type) -> str:
    match kind:
        case inspect.UnionType():
            return _words(next(part for part in kind.types if not isinstance(part, inspect.NoneType)))
        case inspect.IntType():
            return "an integer" + _bounds(kind)
        case inspect.FloatType():
            return "a number" + _bounds(kind)
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType():
            return "one of " + ", ".join(repr(value) for value in kind.values)
        case inspect.StrType():
            return "a non-empty string" if kind.min_length else "a string"
        case inspect.CustomType():
            return "a non-empty string"
        case inspect.VarTupleType():
            return "a list"
        case _:
            return "a table"


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    low = f"above {kind.gt:g}" if kind.gt is not None else f"from {kind.ge}" if kind.ge is not None else ""
    high = "" if kind.le is None else f" to {kind.le}" if kind.gt is None else f" and up to {kind.le}"
    return f" {low}{high}" if low else ""
