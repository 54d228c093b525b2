"""The OpenAPI document of the gateway: what Litestar derives, with the raw chat route and our one error shape."""

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Request, Router
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

import memoryos_gateway
from memoryos_gateway.errors import CHAT_PATHS, EMBEDDINGS_PATHS, ErrorBody
from memoryos_gateway.openai.schema import ChatCompletion, ChatCompletionRequest, EmbeddingList, EmbeddingRequest

DOCUMENT_PATH = "/openapi.json"

_SCHEMA_REF = "#/components/schemas/{name}"
_ERROR_REF = {"$ref": "#/components/responses/Error"}
_CHAT_HEADERS = {
    "X-User-ID": "whose memory is used; before `user` of the body",
    "X-Session-ID": "the conversation; without it, it is recognised from the messages",
    "X-Agent-ID": "the agent that speaks for the user",
    "X-MemoryOS-Mode": "full, read, write or off",
    "Idempotency-Key": "the event_id under which the exchange is remembered",
}


class ErrorDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error answer."""

    error: ErrorBody


def openapi_config() -> OpenAPIConfig:
    """Return how Litestar serves the document, at DOCUMENT_PATH and nowhere else."""
    return OpenAPIConfig(
        title="MemoryOS gateway",
        version=memoryos_gateway.__version__,
        render_plugins=[_DocumentPlugin(path="/")],
        openapi_router=Router(
            DOCUMENT_PATH, route_handlers=[], include_in_schema=False, before_request=_refuse_further_paths
        ),
    )


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return Litestar's document with the chat route added and every error answer in our shape."""
    structs = (ChatCompletionRequest, ChatCompletion, EmbeddingRequest, EmbeddingList, ErrorDocument)
    _, schemas = msgspec.json.schema_components(structs, ref_template=_SCHEMA_REF)
    components = document.get("components", {})
    paths = {**document["paths"], **{path: {"post": _chat_operation(path)} for path in sorted(CHAT_PATHS)}}
    paths |= {path: {"post": _embeddings_operation(path)} for path in sorted(EMBEDDINGS_PATHS)}
    return {
        **document,
        "paths": {path: dict(_with_errors(item)) for path, item in paths.items()},
        "components": {
            **components,
            "schemas": {**components.get("schemas", {}), **schemas},
            "responses": {"Error": {"description": "What went wrong", "content": _json(ErrorDocument)}},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


class _DocumentPlugin(JsonRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, complete_document(openapi_schema))


async def _refuse_further_paths(request: Request[Any, Any, Any]) -> None:
    """Litestar answers what lies below the document with a page of HTML, or with the document once more."""
    if request.scope["path"].rstrip("/") != DOCUMENT_PATH:
        raise NotFoundException


def _with_errors(item: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the operations of a path; Litestar documents a 400 of its own shape, which is never answered."""
    for method, operation in item.items():
        kept = {status: answer for status, answer in operation["responses"].items() if status != "400"}
        yield method, {**operation, "responses": {**kept, "4XX": _ERROR_REF, "5XX": _ERROR_REF}}


def _chat_operation(path: str) -> dict[str, Any]:
    return {
        "summary": "ChatCompletions",
        "description": "Answer a chat, whole or streamed, with memory. Unknown fields are passed on to the provider.",
        "operationId": "V1ChatCompletions" if path.startswith("/v1/") else "ChatCompletions",
        "parameters": [
            {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
            for name, text in _CHAT_HEADERS.items()
        ],
        "requestBody": {"required": True, "content": _json(ChatCompletionRequest)},
        "responses": {
            "200": {
                "description": "The answer; server-sent events when `stream` is true",
                "content": {**_json(ChatCompletion), "text/event-stream": {"schema": {"type": "string"}}},
            }
        },
    }


def _embeddings_operation(path: str) -> dict[str, Any]:
    return {
        "summary": "Embeddings",
        "description": "Return one vector per input, in order. Unknown fields are passed on to the provider.",
        "operationId": "V1Embeddings" if path.startswith("/v1/") else "Embeddings",
        "requestBody": {"required": True, "content": _json(EmbeddingRequest)},
        "responses": {"200": {"description": "The vectors, in order", "content": _json(EmbeddingList)}},
    }


def _json(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _SCHEMA_REF.format(name=struct.__name__)}}}
