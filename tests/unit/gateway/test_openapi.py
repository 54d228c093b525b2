"""The OpenAPI document: valid, and complete as far as the application's own list of routes goes."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from memoryos_adapters.registry import open_adapters
from tests.service.identity.routes import listed_routes
from tests.unit.gateway.wiring import client_of, make_settings, wired

_ERROR_SCHEMA = {"$ref": "#/components/schemas/ErrorDocument"}


@pytest.fixture
async def document(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    async with wired(make_settings("noop"), tmp_path) as container, client_of(container) as client:
        response = await client.get("/openapi.json")
        assert response.status_code == 200
        yield response.json()


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


async def test_every_route_is_documented(document: dict[str, Any], tmp_path: Path) -> None:
    settings = make_settings("noop")
    async with open_adapters(settings, database=tmp_path / "db", index=tmp_path / "index") as adapters:
        routes = listed_routes(settings, adapters)

    documented = {(method.upper(), path) for path, item in document["paths"].items() for method in item}

    served = {(method, re.sub(r":\w+}", "}", path)) for method, path in routes if not path.startswith("/openapi.json")}
    assert documented == served


def test_every_operation_documents_the_one_error_shape(document: dict[str, Any]) -> None:
    assert document["components"]["responses"]["Error"]["content"]["application/json"]["schema"] == _ERROR_SCHEMA
    for path, item in document["paths"].items():
        for method, operation in item.items():
            answers = operation["responses"]
            assert answers["4XX"] == answers["5XX"] == {"$ref": "#/components/responses/Error"}, (method, path)
            assert "400" not in answers


def test_the_error_shape_is_that_of_openai(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["ErrorDocument"]["properties"] == {"error": {"$ref": "#/components/schemas/ErrorBody"}}
    assert set(schemas["ErrorBody"]["properties"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_the_chat_route_is_documented_with_its_structs(document: dict[str, Any], path: str) -> None:
    operation = document["paths"][path]["post"]

    body = operation["requestBody"]["content"]["application/json"]["schema"]
    answer = operation["responses"]["200"]["content"]
    assert body == {"$ref": "#/components/schemas/ChatCompletionRequest"}
    assert answer["application/json"]["schema"] == {"$ref": "#/components/schemas/ChatCompletion"}
    assert "text/event-stream" in answer
    assert {"model", "messages"} <= set(document["components"]["schemas"]["ChatCompletionRequest"]["required"])


def test_an_add_documents_what_it_may_answer(document: dict[str, Any]) -> None:
    answers = document["paths"]["/v1/memory/add"]["post"]["responses"]

    for status in ("200", "202", "500"):
        schema = answers[status]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/AddAnswer"}


def test_a_key_is_documented_and_optional(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    assert document["security"] == [{"key": []}, {}]
