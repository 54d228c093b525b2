"""Turns for the tests, built by keyword."""

from datetime import UTC, datetime, timedelta
from typing import Any

from memoryos_ports.ids import EventId, MemoryId, Scope, SessionId, TenantId, UserId, page_id
from memoryos_ports.memory import Page

START = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)
ANA = Scope(tenant_id=TenantId("acme"), user_id=UserId("ana"))
OTHERS = (
    Scope(tenant_id=TenantId("acme"), user_id=UserId("bob")),
    Scope(tenant_id=TenantId("other"), user_id=UserId("ana")),
)
S1, S2 = SessionId("s1"), SessionId("s2")


def make_page(
    text: str,
    *,
    at: float = 0,
    accepted: float = 0,
    index: int = 0,
    scope: Scope = ANA,
    session: SessionId | None = S1,
    **fields: Any,
) -> Page:
    """Return a page whose event is named like its text; `at` and `accepted` are seconds after the start."""
    event_id = EventId(text)
    return Page(
        id=page_id(scope, event_id, index),
        scope=scope,
        event_id=event_id,
        index=index,
        role="user",
        text=text,
        timestamp=START + timedelta(seconds=at),
        accepted_at=START + timedelta(seconds=accepted),
        content_hash="c0ffee",
        session_id=session,
        **fields,
    )


def make_pages(count: int, **fields: Any) -> list[Page]:
    """Return pages t0, t1, ... a second apart."""
    return [make_page(f"t{number}", at=number, **fields) for number in range(count)]


def ids_of(*pages: Page) -> list[MemoryId]:
    """Return the pages' ids."""
    return [page.id for page in pages]
