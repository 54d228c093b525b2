"""Between the memory routes' wire and the domain."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import get_args

from memoryos_core.memory.filtering import read_filters
from memoryos_core.memory.limits import checked_content, checked_metadata, checked_moment, checked_name
from memoryos_core.memory.recall import CANDIDATES, Question
from memoryos_gateway.identity import optional_id
from memoryos_gateway.routes.memory_schema import (
    AddAnswer,
    AddMessage,
    AddRequest,
    EventAnswer,
    RetrieveRequest,
    SearchRequest,
)
from memoryos_ports.errors import InvalidInput
from memoryos_ports.events import EVENT_VERSION, EventMessage, Receipt, TurnsEvent
from memoryos_ports.ids import AgentId, EventId, MemoryId, Scope, SessionId
from memoryos_ports.memory import MemoryKind

MAX_QUERY_CHARS = 32_768
MAX_MESSAGES = 256
MAX_LIMIT = 200

_KINDS: tuple[MemoryKind, ...] = get_args(MemoryKind)


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
        metadata=checked_metadata(request.metadata),
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
    return EventMessage(
        role=message.role,
        content=checked_content(message.content, f"{path}content"),
        name=checked_name(message.name, f"{path}name"),
        timestamp=checked_moment(message.timestamp or request.timestamp or now, f"{path}timestamp"),
    )


def to_question(request: SearchRequest | RetrieveRequest, scope: Scope, *, now: datetime) -> Question:
    """Return the question of a search or a retrieval. Raises InvalidInput that names the field."""
    until = None if request.as_of is None else checked_moment(request.as_of, "as_of")
    asked_at = None if request.asked_at is None else checked_moment(request.asked_at, "asked_at")
    kinds = request.kinds if isinstance(request, SearchRequest) else None
    return Question(
        scope=scope,
        text=checked_query(request.query),
        asked_at=asked_at or until or now,
        kinds=frozenset(_KINDS if kinds is None else kinds),
        session_id=session_of(request.session_id),
        agent_id=agent_of(request.agent_id),
        until=until,
        filters=None if request.filters is None else read_filters(request.filters),
        limit=request.limit if isinstance(request, SearchRequest) else CANDIDATES,
    )


def checked_limit(limit: int) -> int:
    """Return the length of a listing's stretch. Raises InvalidInput(param="limit") outside 1..200."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"limit must be 1..{MAX_LIMIT}", param="limit")
    return limit


def checked_kind(kind: str | None) -> MemoryKind:
    """Return the kind of a listing, pages when none is named. Raises InvalidInput(param="kind") for an unknown one."""
    for known in _KINDS:
        if kind == known:
            return known
    if kind is not None:
        raise InvalidInput(f"kind must be one of {', '.join(_KINDS)}", param="kind")
    return "page"


def to_add_answer(receipt: Receipt, quarantined: Sequence[MemoryId]) -> AddAnswer:
    """Return what an add answers."""
    return AddAnswer(
        status="error" if receipt.state == "dead" else "ok",
        event_id=receipt.event_id,
        state=receipt.state,
        memory_ids=list(receipt.memory_ids),
        error=receipt.error if receipt.state == "dead" else None,
        quarantined=list(quarantined),
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
