"""POST /v1/embeddings: vectors of texts or tokens, by model name; a raw ASGI route, so that a hang-up is seen."""

from litestar import asgi
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send
from loguru import logger

from memoryos_core.embeddings.service import EmbeddingsCall, EmbeddingsService
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.call_headers import ROUTE, TRIES, facts_headers, route_header
from memoryos_gateway.http import JSON_TYPE, ClientGone, read_json_body, while_connected
from memoryos_gateway.identity import chat_caller
from memoryos_gateway.openai.embeddings import EmbeddingsBody, decode_embeddings, encode_embeddings
from memoryos_ports.errors import ModelNotFound
from memoryos_ports.ids import TenantId


def embeddings_route(service: EmbeddingsService, authenticator: Authenticator, *, body_limit: int) -> ASGIRouteHandler:
    """Return the route, with its services by closure."""

    @asgi(["/v1/embeddings", "/embeddings"], copy_scope=False)
    async def create_embeddings(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with one vector per input, in order. Unknown fields are passed on to the provider."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
            raise MethodNotAllowedException(headers={"allow": "POST"})
        principal = authenticator.authenticate(scope)
        principal.require("chat")
        try:
            body = decode_embeddings(await read_json_body(scope, receive, limit=body_limit))
            chat_caller(scope, principal, body.user, field="user")
            model = body.request.model
            if not principal.may_use(model, service.resolve(model).deployment):
                raise ModelNotFound(model)
            async with while_connected(receive):
                await _answer(service, principal.tenant_id, body, send)
        except ClientGone:
            logger.debug("client gone")

    return create_embeddings


async def _answer(service: EmbeddingsService, tenant_id: TenantId, body: EmbeddingsBody, send: Send) -> None:
    done = await service.embed(EmbeddingsCall(tenant_id=tenant_id, request=body.request))
    answer = done.answer
    content = encode_embeddings(
        answer.vectors, model=body.request.model, usage=answer.usage, encoding_format=body.encoding_format
    )
    headers = [
        JSON_TYPE,
        (b"content-length", b"%d" % len(content)),
        (ROUTE, route_header(done.route)),
        (TRIES, b"%d" % done.tries),
        *facts_headers(answer.facts),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
