"""Pages, events, messages and calls for the tests, built by keyword."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from memoryos_core.caller import Caller, MemoryMode
from memoryos_core.chat.attempt import ChatCall
from memoryos_core.memory.recall import Question
from memoryos_core.ranking.ranker import Hit
from memoryos_ports.events import EVENT_VERSION, EventMessage, TurnsEvent
from memoryos_ports.ids import AgentId, EventId, Scope, SessionId, TenantId, UserId, fact_id, page_id
from memoryos_ports.knowledge import Fact
from memoryos_ports.llm import ContentPart, ImageUrl, Message, ToolCall
from memoryos_ports.memory import Candidate, Chunk, Page

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANA = Scope(tenant_id=TenantId("acme"), user_id=UserId("ana"))
BOB = Scope(tenant_id=TenantId("acme"), user_id=UserId("bob"))
OTHER_ANA = Scope(tenant_id=TenantId("other"), user_id=UserId("ana"))


def after(seconds: float) -> datetime:
    """Return the moment so many seconds after NOON."""
    return NOON + timedelta(seconds=seconds)


def make_page(text: str = "tea", *, event: str = "e1", index: int = 0, scope: Scope = ANA, **fields: Any) -> Page:
    """Return a page of Ana's; `fields` replace any of the others."""
    values: dict[str, Any] = {"role": "user", "timestamp": NOON, "accepted_at": NOON, "content_hash": "c0ffee"}
    id_ = page_id(scope, EventId(event), index)
    return Page(id=id_, scope=scope, event_id=EventId(event), index=index, text=text, **(values | fields))


def make_candidate(page: Page, *, cosine: float | None = None, bm25: float | None = None) -> Candidate:
    """Return a candidate whose best chunk is its whole page; `bm25` is what one word adds."""
    words = {} if bm25 is None else {1: bm25}
    return Candidate(page=page, chunk=Chunk(number=0, start=0, end=len(page.text)), cosine=cosine, words=words)


def make_question(text: str, *, scope: Scope = ANA, **fields: Any) -> Question:
    """Return a question to a scope, asked at NOON; `fields` replace any of the others."""
    return Question(scope=scope, text=text, **({"asked_at": NOON} | fields))


def make_fact(text: str = "Ana likes tea", *, scope: Scope = ANA, source: str = "e1", **fields: Any) -> Fact:
    """Return a fact of Ana's, told by the first page of an event; `fields` replace any of the others."""
    page = page_id(scope, EventId(source), 0)
    values: dict[str, Any] = {"valid_from": NOON, "recorded_at": NOON, "sources": (page,)}
    return Fact(id=fact_id(scope, page, text), scope=scope, text=text, **(values | fields))


def make_hit(page: Page, *, score: float = 0.5) -> Hit:
    """Return a hit whose best chunk is its whole page."""
    return Hit(page=page, chunk=Chunk(number=0, start=0, end=len(page.text)), score=score, features={})


def make_turn(text: str = "tea", *, role: str = "user", name: str | None = None, at: datetime = NOON) -> EventMessage:
    """Return one turn of an event."""
    return EventMessage(role=role, content=text, name=name, timestamp=at)


def make_event(
    event_id: str = "e1", *turns: str | EventMessage, scope: Scope = ANA, at: datetime = NOON, **fields: Any
) -> TurnsEvent:
    """Return an event of these turns (a text is the user's), else of one; `fields` replace any of the others."""
    values: dict[str, Any] = {
        "v": EVENT_VERSION,
        "event_id": EventId(event_id),
        "tenant_id": scope.tenant_id,
        "user_id": scope.user_id,
        "messages": tuple(make_turn(t, at=at) if isinstance(t, str) else t for t in turns or ("I like tea",)),
        "source": "api",
        "accepted_at": at,
    }
    return TurnsEvent(**(values | fields))


def make_message(text: str | Sequence[ContentPart] | None = "hi", *, role: str = "user", **fields: Any) -> Message:
    """Return a message of a conversation, the user's unless told otherwise."""
    content = text if text is None or isinstance(text, str) else tuple(text)
    return Message(role=role, content=content, **fields)


def said(text: str) -> Message:
    """Return an assistant's message."""
    return make_message(text, role="assistant")


def tool_request(text: str | None = None, *, call_id: str = "call_1") -> Message:
    """Return an assistant's message that asks for a tool."""
    return make_message(text, role="assistant", tool_calls=(ToolCall(id=call_id, name="look", arguments="{}"),))


def tool_result(text: str = "sunny", *, call_id: str = "call_1") -> Message:
    """Return what a tool answered."""
    return make_message(text, role="tool", tool_call_id=call_id)


def text_part(text: str) -> ContentPart:
    """Return a text part."""
    return ContentPart(type="text", text=text)


def image_part(url: str = "data:image/png;base64,AAAA") -> ContentPart:
    """Return an image part."""
    return ContentPart(type="image_url", image_url=ImageUrl(url=url))


def make_caller(
    *, scope: Scope | None = ANA, session: str | None = None, agent: str | None = None, mode: MemoryMode = "full"
) -> Caller:
    """Return a caller; `session` is what X-Session-ID would say."""
    session_id = None if session is None else SessionId(session)
    return Caller(scope=scope, session_id=session_id, agent_id=None if agent is None else AgentId(agent), mode=mode)


def make_call(*messages: str | Message, key: str | None = None, model: str = "m", **caller: Any) -> ChatCall:
    """Return a call of these messages (a text is the user's); `key` is its Idempotency-Key."""
    return ChatCall(
        model=model,
        messages=tuple(make_message(m) if isinstance(m, str) else m for m in messages),
        caller=make_caller(**caller),
        idempotency_key=None if key is None else EventId(key),
    )
