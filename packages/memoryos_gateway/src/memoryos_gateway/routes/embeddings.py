"""POST /v1/embeddings: vectors of texts or tokens, by model name."""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency

from memoryos_core.embeddings.service import EmbeddingsCall, EmbeddingsService
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.call_headers import ROUTE, TRIES, facts_headers, route_header
from memoryos_gateway.http import check_json
from memoryos_gateway.identity import chat_caller
from memoryos_gateway.openai.embeddings import decode_embeddings, encode_embeddings
from memoryos_ports.errors import ModelNotFound


@post(["/v1/embeddings", "/embeddings"], status_code=200)
async def create_embeddings(
    request: Request[Any, Any, Any],
    embeddings: NamedDependency[EmbeddingsService],
    authenticator: NamedDependency[Authenticator],
) -> Response[bytes]:
    """Return one vector per input, in order. Unknown fields are passed on to the provider."""
    principal = authenticator.authenticate(request.scope)
    principal.require("chat")
    check_json(request.scope)
    body = decode_embeddings(await request.body())
    wanted = body.request
    chat_caller(request.scope, principal, body.user, field="user")
    route = embeddings.resolve(wanted.model)
    if not principal.may_use(wanted.model, route.deployment):
        raise ModelNotFound(wanted.model)
    done = await embeddings.embed(EmbeddingsCall(tenant_id=principal.tenant_id, request=wanted))
    answer = done.answer
    headers = {ROUTE: route_header(done.route), TRIES: b"%d" % done.tries, **dict(facts_headers(answer.facts))}
    return Response(
        encode_embeddings(answer.vectors, model=wanted.model, usage=answer.usage, encoding_format=body.encoding_format),
        media_type="application/json",
        headers={name.decode(): value.decode() for name, value in headers.items()},
    )
