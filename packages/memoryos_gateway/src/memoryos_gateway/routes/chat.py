"""POST /v1/chat/completions: a raw ASGI route, because this is the path whose cost every request pays."""

from contextlib import aclosing

from litestar import asgi
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send
from loguru import logger

from memoryos_adapters.metrics import GatewayMetrics
from memoryos_core.chat.attempt import ChatCall
from memoryos_core.chat.exchange import State
from memoryos_core.chat.service import ChatService
from memoryos_core.chat.stream import ChatReport
from memoryos_core.routing.router import ModelRouter
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.call_headers import facts_headers, route_header
from memoryos_gateway.errors import answer_error, is_internal
from memoryos_gateway.http import JSON_TYPE, ClientGone, read_json_body, while_connected
from memoryos_gateway.identity import chat_caller, idempotency_key
from memoryos_gateway.openai.decode import decode_chat
from memoryos_gateway.openai.encode import DONE, NOT_STORED, encode_answer, encode_batch, encode_stream_error
from memoryos_ports.errors import ModelNotFound
from memoryos_ports.llm import ChatChunk

_SSE = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


def chat_route(
    service: ChatService,
    router: ModelRouter,
    authenticator: Authenticator,
    *,
    body_limit: int,
    metrics: GatewayMetrics,
) -> ASGIRouteHandler:
    """Return the route, with its services by closure."""

    @asgi(["/v1/chat/completions", "/chat/completions"], copy_scope=False)
    async def chat_completions(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a chat, whole or streamed, with memory."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
            raise MethodNotAllowedException(headers={"allow": "POST"})
        principal = authenticator.authenticate(scope)
        principal.require("chat")
        try:
            body = decode_chat(await read_json_body(scope, receive, limit=body_limit))
            if not principal.may_use(*router.known_as(body.model)):
                raise ModelNotFound(body.model)
            call = ChatCall(
                model=body.model,
                messages=body.messages,
                caller=chat_caller(scope, principal, body.user, field=body.user_field),
                params=body.params,
                idempotency_key=idempotency_key(scope),
            )
            if body.stream:
                state = await _answer_stream(service, call, receive, send, include_usage=body.include_usage)
            else:
                async with while_connected(receive):
                    state = await _answer(service, call, send)
            metrics.chat_memory(state)
        except ClientGone:
            logger.debug("client gone")

    return chat_completions


async def _answer(service: ChatService, call: ChatCall, send: Send) -> State:
    """Answer whole; return the state of memory that was told."""
    answer, report = await service.complete(call)
    content = encode_answer(answer)
    headers = [JSON_TYPE, (b"content-length", b"%d" % len(content)), *_report_headers(report)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
    return _told_state(report)


async def _answer_stream(
    service: ChatService, call: ChatCall, receive: Receive, send: Send, *, include_usage: bool
) -> State:
    """Answer with a stream; once it has begun, everything is told in its own words, the server's end included.

    Return the state of memory that was told.
    """
    begun = False
    try:
        async with while_connected(receive):
            stream = await service.stream(call)
            async with aclosing(stream.batches()) as batches:
                first = await anext(batches)  # begins the generator, so that closing it always closes the upstream call
                headers = [*_SSE, *_report_headers(stream.report)]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                begun = True
                await _send_batch(send, first, include_usage=include_usage)
                async for batch in batches:
                    await _send_batch(send, batch, include_usage=include_usage)
        end = DONE if stream.stored else NOT_STORED + DONE
    except Exception as exc:
        if isinstance(exc, ClientGone) or not begun:
            raise
        answer = answer_error(exc, asks_model=True)
        if is_internal(answer):
            logger.opt(exception=exc).error("stream failed")
        end = encode_stream_error(answer.body) + DONE
    await send({"type": "http.response.body", "body": end, "more_body": False})
    return stream.report.prepared.state if stream.stored else "degraded"


async def _send_batch(send: Send, batch: list[ChatChunk], *, include_usage: bool) -> None:
    if data := encode_batch(batch, include_usage=include_usage):
        await send({"type": "http.response.body", "body": data, "more_body": True})


def _told_state(report: ChatReport) -> State:
    return report.prepared.state if report.stored else "degraded"


def _report_headers(report: ChatReport) -> list[tuple[bytes, bytes]]:
    prepared = report.prepared
    memory = f"recalled={len(prepared.recalled)}; tokens={prepared.tokens}; ms={prepared.ms:.1f}"
    memory += f"; state={_told_state(report)}"
    if prepared.reason:
        memory += f"; reason={prepared.reason}"
    headers = [
        (b"x-memoryos-memory", memory.encode()),
        (b"x-memoryos-route", route_header(report.route)),
        (b"x-memoryos-tries", b"%d" % report.tries),
    ]
    if event_id := report.event_id:
        headers.append((b"x-memoryos-event", event_id.encode()))
    return [*headers, *facts_headers(report.facts)]
