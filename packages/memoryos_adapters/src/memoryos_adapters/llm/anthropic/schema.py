"""JSON schemas as Anthropic takes them where it keeps to them: for the answer and for strict tools (AN8, AN9).

Source: `transform_schema` of Anthropic's SDK; platform.claude.com/docs/en/build-with-claude/structured-outputs.
"""

from typing import Any

from memoryos_ports.errors import InvalidInput

_DEFINITIONS = ("$defs", "definitions")
_UNIONS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
_MIN_ITEMS = (0, 1)
_NEVER_TOLD = frozenset({"type", "additionalProperties", "description", *_UNIONS})


def closed_schema(schema: dict[str, Any], *, param: str) -> dict[str, Any]:
    """Return the schema with every object closed; the bounds that are refused are told in the descriptions.

    Raises InvalidInput, which names `param`, for one that is too deep.
    """
    try:
        return _closed_object(schema)
    except RecursionError as exc:
        raise InvalidInput(f"{param}: the schema is too deep", param=param) from exc


def _closed(schema: Any) -> Any:
    return _closed_object(schema) if isinstance(schema, dict) else schema


def _closed_object(schema: dict[str, Any]) -> dict[str, Any]:
    definitions = {word: _each(schema[word]) for word in _DEFINITIONS if word in schema}
    if "$ref" in schema:  # nothing else may stand beside it
        return {**definitions, "$ref": schema["$ref"]}
    literals = {word: schema[word] for word in ("enum", "const") if word in schema and _is_literal(schema[word])}
    types = [] if literals else _types(schema)
    title = {"title": schema["title"]} if "title" in schema else {}
    kept = definitions | literals | _kind(schema, types) | title | _within(schema, types)
    return kept | _description(schema, kept)


def _each(schemas: Any) -> Any:
    return {name: _closed(schema) for name, schema in schemas.items()} if isinstance(schemas, dict) else schemas


def _types(schema: dict[str, Any]) -> list[Any]:
    named = schema.get("type", "object" if "properties" in schema else [])
    return named if isinstance(named, list) else [named]


def _kind(schema: dict[str, Any], types: list[Any]) -> dict[str, Any]:
    for word, said in _UNIONS.items():
        if isinstance(options := schema.get(word), list):
            return {said: [_closed(option) for option in options]}
    return {"type": schema.get("type", types[0])} if types else {}


def _within(schema: dict[str, Any], types: list[Any]) -> dict[str, Any]:
    """Return what may be said of objects, texts and lists."""
    within: dict[str, Any] = {}
    if "object" in types:
        within = {"properties": _each(schema.get("properties", {})), "additionalProperties": False}
        within |= {"required": schema["required"]} if "required" in schema else {}
    if "string" in types and schema.get("format") in _FORMATS:
        within["format"] = schema["format"]
    if "array" in types and "items" in schema:
        within["items"] = _closed(schema["items"])
    if "array" in types and schema.get("minItems") in _MIN_ITEMS:
        within["minItems"] = schema["minItems"]
    return within


def _description(schema: dict[str, Any], kept: dict[str, Any]) -> dict[str, str]:
    untold = [f"{word}: {value}" for word, value in schema.items() if word not in kept and word not in _NEVER_TOLD]
    told = [str(schema["description"])] if "description" in schema else []
    if untold:
        told.append("{" + ", ".join(untold) + "}")
    return {"description": "\n\n".join(told)} if told else {}


def _is_literal(value: Any) -> bool:
    """Whether it is a plain value, or a choice of some."""
    if isinstance(value, list):
        return bool(value) and not any(isinstance(one, list | dict) for one in value)
    return not isinstance(value, dict)
