"""Errors as clients see them: one table of status codes, one JSON shape."""

import math
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from loguru import logger

from memoryos_gateway.bad_json import field_of
from memoryos_ports import errors

CHAT_PATHS = frozenset({"/v1/chat/completions", "/chat/completions"})
EMBEDDINGS_PATHS = frozenset({"/v1/embeddings", "/embeddings"})
MODEL_PATHS = CHAT_PATHS | EMBEDDINGS_PATHS
"""Where an upstream that fails is a provider; elsewhere it is a store."""


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """What stands under ``error`` in every error answer, as the OpenAI SDK reads it."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An error answer: status, body and further headers."""

    status: int
    body: ErrorBody
    headers: dict[str, str] = {}


class _Kind(msgspec.Struct, frozen=True):
    status: int
    type: str
    code: str | None = None
    headers: dict[str, str] = {}


_NO_RETRY = {"x-should-retry": "false"}

_KINDS: dict[type[errors.MemoryOSError], _Kind] = {
    errors.InvalidInput: _Kind(400, "invalid_request_error"),
    errors.Unauthenticated: _Kind(401, "invalid_request_error", "invalid_api_key"),
    errors.PermissionDenied: _Kind(403, "invalid_request_error", "permission_denied"),
    errors.RememberOff: _Kind(403, "invalid_request_error", "remember_off"),
    errors.LocalModelRequired: _Kind(403, "invalid_request_error", "local_model_required"),
    errors.NotFound: _Kind(404, "invalid_request_error", "not_found"),
    errors.ModelNotFound: _Kind(404, "invalid_request_error", "model_not_found"),
    errors.Conflict: _Kind(409, "invalid_request_error", "conflict"),
    errors.EventIdReused: _Kind(409, "invalid_request_error", "event_id_reused"),
    errors.VersionConflict: _Kind(409, "invalid_request_error", "version_conflict"),
    errors.MemoryDisabled: _Kind(503, "server_error", "memory_disabled", _NO_RETRY),
    errors.EmbedderMismatch: _Kind(503, "server_error", "embedder_mismatch", _NO_RETRY),
    errors.Overloaded: _Kind(503, "server_error", "overloaded"),
    errors.StorageFull: _Kind(503, "server_error", "storage_full", {"retry-after": "30"}),
    errors.UpstreamUnavailable: _Kind(502, "server_error", "upstream_unavailable"),
    errors.CoolingDown: _Kind(503, "server_error", "providers_cooling_down"),
    errors.UpstreamTimeout: _Kind(504, "server_error", "upstream_timeout"),
    errors.UpstreamProtocolError: _Kind(502, "server_error", "upstream_protocol_error"),
    errors.StreamCut: _Kind(502, "server_error", "stream_cut"),
    errors.RateLimited: _Kind(429, "rate_limit_error", "rate_limit_exceeded"),
    errors.QuotaExhausted: _Kind(429, "insufficient_quota", "insufficient_quota", _NO_RETRY),
    errors.UpstreamAuthError: _Kind(502, "server_error", "upstream_auth_error", _NO_RETRY),
}
_INTERNAL = _Kind(500, "server_error", "internal_error")
_STORE_DOWN = _Kind(503, "server_error", "storage_unavailable", {"retry-after": "1"})
_OVERLOADED_PROVIDER = _Kind(503, "server_error", "upstream_unavailable")
"""A provider that says itself that it is overloaded or down for now (AN20); one that cannot be reached is a 502."""

_HTTP_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    415: "unsupported_media_type",
    503: "stopping",
}


def answer_error(exc: Exception, *, asks_model: bool) -> ErrorAnswer:
    """Return how an error is answered. `asks_model`: an unreachable upstream is a provider, otherwise it is a store."""
    match exc:
        case errors.UpstreamRejected() if not asks_model:  # nothing that the caller could mend
            return _answer(_KINDS[errors.UpstreamProtocolError], "memory refused the request")
        case errors.UpstreamRejected():
            body = ErrorBody(message=exc.message, type="invalid_request_error", param=exc.param, code=exc.code)
            return ErrorAnswer(status=exc.status, body=body, headers=_tries(exc))
        case errors.UpstreamUnavailable(status=503 | 529) if asks_model:
            headers = {**_retry_after(exc), **_tries(exc)}
            return _answer(_OVERLOADED_PROVIDER, _message(exc), headers=headers)
        case errors.UpstreamUnavailable() | errors.UpstreamTimeout() if not asks_model:
            return _answer(_STORE_DOWN, "memory is not available at the moment")
        case errors.MemoryOSError():
            headers = {**_limits(exc), **_retry_after(exc), **_tries(exc)}
            return _answer(_kind_of(exc), _message(exc), param=_param(exc), code=_code(exc), headers=headers)
        case ValidationException():
            return _answer_validation(exc)
        case HTTPException():
            type_ = "server_error" if exc.status_code >= 500 else "invalid_request_error"
            kind = _Kind(exc.status_code, type_, _HTTP_CODES.get(exc.status_code))
            return _answer(kind, exc.detail, headers=dict(exc.headers or {}))
    return _answer(_INTERNAL, "The server had an error while processing your request.")


def is_internal(answer: ErrorAnswer) -> bool:
    """Return whether an answer hides a fault of ours, which belongs in the log with its traceback."""
    return answer.body.code == _INTERNAL.code


def error_handler(request: Request[Any, Any, Any], exc: Exception) -> Response[bytes]:
    """Litestar's handler for everything that a route raises."""
    answer = answer_error(exc, asks_model=request.scope["path"].rstrip("/") in MODEL_PATHS)
    if is_internal(answer):
        logger.opt(exception=exc).error("request failed")
    return Response(
        encode_error(answer.body),
        status_code=answer.status,
        headers=answer.headers,
        media_type="application/json",
    )


def encode_error(body: ErrorBody) -> bytes:
    """Return the JSON of an error answer."""
    return msgspec.json.encode({"error": body})


def _answer(
    kind: _Kind,
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> ErrorAnswer:
    body = ErrorBody(message=message, type=kind.type, param=param, code=code or kind.code)
    return ErrorAnswer(status=kind.status, body=body, headers={**kind.headers, **(headers or {})})


def _kind_of(exc: errors.MemoryOSError) -> _Kind:
    return next((_KINDS[cls] for cls in type(exc).__mro__ if cls in _KINDS), _INTERNAL)


def _message(exc: errors.MemoryOSError) -> str:
    if isinstance(exc, errors.UpstreamAuthError):
        return f"The provider {exc.upstream!r} refused this gateway's credentials."
    return str(exc)


def _param(exc: errors.MemoryOSError) -> str | None:
    match exc:
        case errors.InvalidInput() | errors.PermissionDenied():
            return exc.param
        case errors.ModelNotFound():
            return "model"
        case errors.EventIdReused():
            return "event_id"
    return None


def _code(exc: errors.MemoryOSError) -> str | None:
    return exc.code if isinstance(exc, errors.InvalidInput) else None


def _retry_after(exc: errors.MemoryOSError) -> dict[str, str]:
    waits = errors.Overloaded | errors.RateLimited | errors.UpstreamUnavailable
    seconds = exc.retry_after_s if isinstance(exc, waits) else None
    if seconds is None:
        return {}
    return {"retry-after": str(max(1, math.ceil(seconds))), "retry-after-ms": str(max(1, math.ceil(seconds * 1000)))}


def _limits(exc: errors.MemoryOSError) -> dict[str, str]:
    return exc.headers if isinstance(exc, errors.RateLimited) else {}


def _tries(exc: errors.MemoryOSError) -> dict[str, str]:
    """Tell how often providers were asked; where that was more than once, an SDK need not try the same again (E12)."""
    if not exc.tries:
        return {}
    return {"x-memoryos-tries": str(exc.tries), **(_NO_RETRY if exc.tries > 1 and exc.retryable else {})}


def _answer_validation(exc: ValidationException) -> ErrorAnswer:
    fault = exc.extra[0] if isinstance(exc.extra, list) and exc.extra else {}
    key, message = str(fault.get("key", "")), str(fault.get("message", exc.detail))
    if key == "data" and message == "'data'":
        return _answer(_KINDS[errors.InvalidInput], "The request has no body; a JSON object is expected.")
    kind = _KINDS[errors.InvalidInput]
    param = field_of(message, "" if key == "data" else key)
    return _answer(kind, f"{param}: {message}" if param else message, param=param)
