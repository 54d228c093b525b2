"""JSON schemas cleaned for Gemini before 2.5 (wire contract: GE12)."""

from typing import Any

import pytest

from memoryos_adapters.llm.gemini.schema import openapi_schema
from memoryos_ports.errors import InvalidInput


def cleaned(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema as it goes out."""
    return openapi_schema(schema, param="the_schema")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"$schema": "s", "$id": "i", "type": "string", "default": "x"}, {"type": "STRING"}),
        ({"type": "object", "additionalProperties": False}, {"type": "OBJECT"}),
        ({"type": "string", "minLength": 1, "pattern": "a"}, {"minLength": 1, "pattern": "a", "type": "STRING"}),
        ({"type": "integer", "exclusiveMinimum": 0, "maximum": 9}, {"maximum": 9, "type": "INTEGER"}),
        ({"type": "string", "format": "uuid"}, {"type": "STRING"}),
        ({"type": "string", "format": "date-time"}, {"format": "date-time", "type": "STRING"}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "INTEGER"}),
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}),
        (
            {"oneOf": [{"type": "string"}, {"type": "array", "items": {"const": "a"}}]},
            {"anyOf": [{"type": "STRING"}, {"type": "ARRAY", "items": {"enum": ["a"]}}]},
        ),
        ({"type": "array", "items": True}, {"type": "ARRAY", "items": {}}),
        (
            {"type": "object", "properties": {"$ref": {"type": "string"}}},
            {"type": "OBJECT", "properties": {"$ref": {"type": "STRING"}}},
        ),
    ],
)
def test_only_what_is_known_is_kept(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert cleaned(schema) == expected


def test_references_are_put_in_their_place() -> None:
    schema = {
        "type": "object",
        "properties": {
            "home": {"$ref": "#/$defs/Place", "description": "where"},
            "work": {"allOf": [{"$ref": "#/$defs/Place"}], "title": "Work"},
        },
        "required": ["home"],
        "$defs": {
            "Place": {"type": "object", "properties": {"a~b/c": {"$ref": "#/$defs/x~0y~1z"}}},
            "x~y/z": {"const": "1"},
        },
    }

    place = {"type": "OBJECT", "properties": {"a~b/c": {"enum": ["1"]}}}
    assert cleaned(schema) == {
        "required": ["home"],
        "type": "OBJECT",
        "properties": {"home": {"description": "where", **place}, "work": {"title": "Work", **place}},
    }


def _doubling(levels: int) -> dict[str, Any]:
    """Each level refers to the one below twice."""
    defs: dict[str, Any] = {f"l{level}": {"anyOf": [{"$ref": f"#/$defs/l{level + 1}"}] * 2} for level in range(levels)}
    return {"$ref": "#/$defs/l0", "$defs": {**defs, f"l{levels}": {"type": "string"}}}


def _nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"type": "object", "properties": {"next": {"$ref": "#"}}},
        {"$ref": "#/$defs/missing"},
        {"$ref": "https://example.com/schema"},
        _doubling(30),
        _nested(200),
    ],
)
def test_what_refers_to_itself_or_grows_out_of_bounds_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        cleaned(schema)

    assert (caught.value.param, caught.value.code) == ("the_schema", "unsupported_value")
