"""JSON schemas as Gemini before 2.5 takes them: the part of OpenAPI 3.0 that it knows (wire contract: GE12).

Source: the Gemini API reference, ``Schema``.
"""

from typing import Any

from memoryos_ports.errors import InvalidInput

_KEPT = frozenset(
    {
        "title", "description", "nullable", "maxItems", "minItems", "required", "minProperties", "maxProperties",
        "minLength", "maxLength", "pattern", "example", "propertyOrdering", "minimum", "maximum",
    }
)  # fmt: skip
_FORMATS = frozenset({"float", "double", "int32", "int64", "enum", "date-time"})
_MAX_DEPTH = 64
_MAX_NODES = 10_000
_UNION_WORDS = ("anyOf", "oneOf")


def openapi_schema(schema: dict[str, Any], *, param: str) -> dict[str, Any]:
    """Return the schema with references put in their place, and without the words that would be refused.

    Raises InvalidInput, which names `param`, for one that refers to itself or grows out of bounds.
    """
    return _Cleaning(schema, param).cleaned(schema, depth=0)


class _Cleaning:
    """One schema; what its references lead to is copied, so that the copies are counted."""

    def __init__(self, root: dict[str, Any], param: str) -> None:
        self._root, self._param, self._nodes = root, param, 0

    def cleaned(self, schema: Any, *, depth: int) -> dict[str, Any]:
        self._nodes += 1
        if depth > _MAX_DEPTH or self._nodes > _MAX_NODES:
            raise self._refused("refers to itself, or is too large")
        if not isinstance(schema, dict):
            return {}  # true: anything
        if isinstance(schema.get("$ref"), str):
            return self.cleaned(self._found(schema["$ref"]) | _without(schema, "$ref"), depth=depth + 1)
        if _list(schema.get("allOf")):  # what generators of schemas wrap a reference in
            return self.cleaned(_joined(schema["allOf"]) | _without(schema, "allOf"), depth=depth + 1)
        kept = {key: value for key, value in schema.items() if key in _KEPT}
        return kept | _format(schema) | _choices(schema) | self._type(schema, depth) | self._below(schema, depth)

    def _type(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        """Lists of types and unions with null become `nullable`, as OpenAPI 3.0 says it."""
        types = schema.get("type")
        listed = [types] if isinstance(types, str) else types if isinstance(types, list) else []
        unions = [option for word in _UNION_WORDS for option in _list(schema.get(word))]
        options = [option for option in unions if not _is_null(option)]
        nullable = {"nullable": True} if "null" in listed or len(options) < len(unions) else {}
        named = [name for name in listed if name != "null"]
        if len(named) == 1:
            return {"type": str(named[0]).upper()} | nullable
        options += [{"type": name} for name in named]
        if len(options) == 1:
            return self.cleaned(options[0], depth=depth + 1) | nullable
        return ({"anyOf": [self.cleaned(option, depth=depth + 1) for option in options]} if options else {}) | nullable

    def _below(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        below: dict[str, Any] = {}
        properties = schema.get("properties")
        if isinstance(properties, dict):
            below["properties"] = {name: self.cleaned(value, depth=depth + 1) for name, value in properties.items()}
        if "items" in schema:
            below["items"] = self.cleaned(schema["items"], depth=depth + 1)
        return below

    def _found(self, reference: str) -> dict[str, Any]:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise self._refused(f"nothing is found at {reference!r}")
        return found

    def _refused(self, what: str) -> InvalidInput:
        return InvalidInput(f"{self._param}: the schema {what}", param=self._param, code="unsupported_value")


def _without(schema: dict[str, Any], word: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != word}


def _joined(schemas: list[Any]) -> dict[str, Any]:
    return {key: value for schema in schemas if isinstance(schema, dict) for key, value in schema.items()}


def _format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"format": schema["format"]} if schema.get("format") in _FORMATS else {}


def _choices(schema: dict[str, Any]) -> dict[str, Any]:
    """A constant is a choice of one; only texts can be chosen from."""
    choices = [schema["const"]] if "const" in schema else _list(schema.get("enum"))
    texts = [choice for choice in choices if isinstance(choice, str)]
    return {"enum": texts} if texts and len(texts) == len(choices) else {}


def _is_null(option: Any) -> bool:
    return isinstance(option, dict) and option.get("type") == "null"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
