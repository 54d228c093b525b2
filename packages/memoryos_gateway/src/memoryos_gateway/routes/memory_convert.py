"""Between the memory routes' wire and the domain."""

import uuid
from datetime import datetime
from typing import Any, get_args

import msgspec

from memoryos_core.memory.rank import Hit
from memoryos_core.memory.recall import Question
from memoryos_gateway.identity import optional_id
from memoryos_gateway.routes.memory_schema import (
    AddAnswer,
    AddMessage,
    AddRequest,
    EventAnswer,
    MemoryItem,
    RetrieveRequest,
    SearchHit,
    SearchRequest,
)
from memoryos_ports.errors import InvalidInput
from memoryos_ports.event_wire import as_utc
from memoryos_ports.events import EVENT_VERSION, EventMessage, Receipt, TurnsEvent
from memoryos_ports.ids import AgentId, EventId, Scope, SessionId
from memoryos_ports.memory import MemoryKind, Page

MAX_CONTENT_BYTES = 1024 * 1024
MAX_QUERY_CHARS = 32_768
MAX_MESSAGES = 256
MAX_NAME_CHARS = 256
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 32
MAX_LIMIT = 200


def to_event(
    request: AddRequest, scope: Scope, *, session_id: SessionId | None, agent_id: AgentId | None, now: datetime
) -> TurnsEvent:
    """Return the event that an add asks for. Raises InvalidInput that names the field."""
    messages = tuple(_to_message(m, path, request, now) for path, m in _messages(request))
    return TurnsEvent(
        v=EVENT_VERSION,
        event_id=EventId(optional_id(request.event_id, "event_id") or f"evt-{uuid.uuid4()}"),
        tenant_id=scope.tenant_id,
        user_id=scope.user_id,
        session_id=session_id,
        agent_id=agent_id,
        messages=messages,
        source="api",
        accepted_at=now,
        metadata=_checked_metadata(request.metadata),
    )


def session_of(value: str | None) -> SessionId | None:
    """Return a checked session id."""
    checked = optional_id(value, "session_id")
    return SessionId(checked) if checked else None


def agent_of(value: str | None) -> AgentId | None:
    """Return a checked agent id."""
    checked = optional_id(value, "agent_id")
    return AgentId(checked) if checked else None


def checked_query(query: str) -> str:
    """Return a query that holds something. Raises InvalidInput(param="query")."""
    if not query.strip():
        raise InvalidInput("query must not be empty", param="query")
    if len(query) > MAX_QUERY_CHARS:
        raise InvalidInput(f"query must be at most {MAX_QUERY_CHARS} characters", param="query")
    return query


def to_item(page: Page) -> MemoryItem:
    """Return a page as it is listed."""
    return MemoryItem(
        id=page.id,
        event_id=page.event_id,
        kind="page",
        text=page.text,
        role=page.role,
        name=page.name,
        session_id=page.session_id,
        timestamp=page.timestamp,
        metadata=page.metadata,
    )


def to_hit(hit: Hit, *, explain: bool) -> SearchHit:
    """Return a hit as it is answered."""
    page = hit.page
    return SearchHit(
        id=page.id,
        event_id=page.event_id,
        kind="page",
        text=page.text,
        chunk=hit.excerpt,
        role=page.role,
        name=page.name,
        score=hit.score,
        session_id=page.session_id,
        timestamp=page.timestamp,
        metadata=page.metadata,
        explain=hit.features if explain else msgspec.UNSET,
    )


def _messages(request: AddRequest) -> list[tuple[str, AddMessage]]:
    if request.messages is not None:
        if request.content is not None or request.role is not None or request.name is not None:
            raise InvalidInput("give either messages, or role and content", param="messages")
        if not 1 <= len(request.messages) <= MAX_MESSAGES:
            raise InvalidInput(f"messages must hold 1 to {MAX_MESSAGES} messages", param="messages")
        return [(f"messages[{index}].", message) for index, message in enumerate(request.messages)]
    if request.role is None or request.content is None:
        missing = "role" if request.role is None else "content"
        raise InvalidInput(f"{missing} is required", param=missing)
    return [("", AddMessage(role=request.role, content=request.content, name=request.name))]


def _to_message(message: AddMessage, path: str, request: AddRequest, now: datetime) -> EventMessage:
    if not message.content.strip():
        raise InvalidInput(f"{path}content must not be empty", param=f"{path}content")
    if len(message.content.encode()) > MAX_CONTENT_BYTES:
        raise InvalidInput(f"{path}content is over 1 MiB", param=f"{path}content")
    if message.name is not None and not 1 <= len(message.name) <= MAX_NAME_CHARS:
        raise InvalidInput(f"{path}name must be 1-{MAX_NAME_CHARS} characters", param=f"{path}name")
    timestamp = message.timestamp or request.timestamp or now
    return EventMessage(
        role=message.role,
        content=message.content,
        name=message.name,
        timestamp=_in_range(timestamp, f"{path}timestamp"),
    )


def _checked_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    if _is_deeper(metadata, MAX_METADATA_DEPTH):
        raise InvalidInput(f"metadata is nested deeper than {MAX_METADATA_DEPTH} levels", param="metadata")
    if len(msgspec.json.encode(metadata)) > MAX_METADATA_BYTES:
        raise InvalidInput("metadata is over 16 KiB", param="metadata")
    return metadata


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether containers are nested deeper than `levels`: one that can just be read could not be answered."""
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in items)


def _in_range(moment: datetime, param: str) -> datetime:
    try:
        return as_utc(moment)
    except OverflowError as exc:
        raise InvalidInput(f"{param} is out of range", param=param) from exc


def to_question(request: SearchRequest | RetrieveRequest, scope: Scope) -> Question:
    """Return the question of a search or a retrieval. Raises InvalidInput that names the field."""
    if isinstance(request, SearchRequest) and request.filters is not None:
        raise InvalidInput("filters are not available in this version", param="filters")
    return Question(
        scope=scope,
        text=checked_query(request.query),
        session_id=session_of(request.session_id),
        agent_id=agent_of(request.agent_id),
        until=None if request.as_of is None else _in_range(request.as_of, "as_of"),
    )


def checked_limit(limit: int) -> int:
    """Return the length of a listing's stretch. Raises InvalidInput(param="limit") outside 1..200."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"limit must be 1..{MAX_LIMIT}", param="limit")
    return limit


def is_page_kind(kind: str | None) -> bool:
    """Return whether a listing of this kind holds pages. Raises InvalidInput(param="kind") for an unknown kind."""
    if kind is not None and kind not in get_args(MemoryKind):
        raise InvalidInput(f"kind must be one of {', '.join(get_args(MemoryKind))}", param="kind")
    return kind in (None, "page")


def to_add_answer(receipt: Receipt) -> AddAnswer:
    """Return what an add answers."""
    return AddAnswer(
        status="error" if receipt.state == "dead" else "ok",
        event_id=receipt.event_id,
        state=receipt.state,
        memory_ids=list(receipt.memory_ids),
        error=receipt.error if receipt.state == "dead" else None,
    )


def to_event_answer(receipt: Receipt) -> EventAnswer:
    """Return a receipt as it is answered."""
    return EventAnswer(
        event_id=receipt.event_id,
        state=receipt.state,
        attempts=receipt.attempts,
        error=receipt.error,
        memory_ids=list(receipt.memory_ids),
    )
