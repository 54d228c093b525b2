"""Schemas as Anthropic takes them: what its own SDK would send, and the words that the SDK refuses (AN8, AN9)."""

from copy import deepcopy
from typing import Any

import anthropic
import pytest

from memoryos_adapters.llm.anthropic.schema import closed_schema
from memoryos_ports.errors import InvalidInput

_TEXT = {"type": "string"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    "schema",
    [
        _object(city=_TEXT),
        {**_object(city=_TEXT), "required": ["city"], "additionalProperties": True, "title": "City"},
        _object(inner=_object(city=_TEXT)),
        {"type": "object"},
        _object(n={"type": "integer", "description": "A number.", "minimum": 1, "maximum": 10}),
        _object(s={"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a+$"}),
        _object(at={"type": "string", "format": "date-time"}, odd={"type": "string", "format": "iri"}),
        {"type": "array", "items": _object(a=_TEXT), "minItems": 1, "maxItems": 3, "uniqueItems": True},
        {"type": "array", "items": _TEXT, "minItems": 2},
        _object(c={"type": "string", "enum": ["a", "b"]}, d={"const": 7}, e={"type": "array", "enum": [["a"]]}),
        _object(u={"anyOf": [_object(a=_TEXT), {"type": "null"}], "default": None}),
        _object(u={"oneOf": [_object(a=_TEXT), _TEXT]}),
        _object(u={"allOf": [_object(a=_TEXT)], "description": "Both."}),
        {"$defs": {"City": _object(a=_TEXT)}, "$ref": "#/$defs/City"},
        {"$defs": {"City": _object(a=_TEXT)}, **_object(one={"$ref": "#/$defs/City"})},
        _object(b={"type": "boolean"}, n={"type": "number", "multipleOf": 0.5}, z={"type": "null"}),
    ],
)
def test_a_schema_is_what_the_sdk_makes_of_it(schema: dict[str, Any]) -> None:
    before = deepcopy(schema)

    assert closed_schema(schema, param="p") == anthropic.transform_schema(before)
    assert schema == before


def test_every_type_of_a_list_keeps_its_own_words() -> None:
    schema = _object(city={**_object(name=_TEXT), "type": ["object", "null"]}, s={"type": ["string", "null"]})

    assert closed_schema(schema, param="p") == {
        **_object(
            city={**_object(name=_TEXT), "type": ["object", "null"], "additionalProperties": False},
            s={"type": ["string", "null"]},
        ),
        "additionalProperties": False,
    }


def test_properties_alone_are_an_objects() -> None:
    assert closed_schema({"properties": {"a": _TEXT}}, param="p") == {**_object(a=_TEXT), "additionalProperties": False}


def test_older_definitions_are_closed_too() -> None:
    schema = {"definitions": {"City": _object(a=_TEXT)}, "$ref": "#/definitions/City"}

    assert closed_schema(schema, param="p") == {
        "definitions": {"City": {**_object(a=_TEXT), "additionalProperties": False}},
        "$ref": "#/definitions/City",
    }


@pytest.mark.parametrize("odd", [{}, {"type": ["string", {}]}, {"items": 7, "type": "array"}, {"properties": 7}])
def test_what_is_hardly_a_schema_is_for_the_provider_to_refuse(odd: dict[str, Any]) -> None:
    closed_schema(_object(odd=odd, anything=True), param="p")


def test_a_schema_that_is_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(5_000):
        schema = {"type": "array", "items": schema}

    with pytest.raises(InvalidInput) as caught:
        closed_schema(schema, param="tools[0].function.parameters")

    assert caught.value.param == "tools[0].function.parameters"
