"""Events for the tests, built by keyword."""

from datetime import UTC, datetime

from memoryos_ports.events import EVENT_VERSION, EventMessage, EventState, Receipt, TurnsEvent
from memoryos_ports.ids import EventId, Scope, TenantId, UserId, page_id

NOW = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)
ANA = Scope(tenant_id=TenantId("acme"), user_id=UserId("ana"))
BOB = Scope(tenant_id=TenantId("acme"), user_id=UserId("bob"))
STRANGER = Scope(tenant_id=TenantId("other"), user_id=UserId("ana"))


def make_event(event_id: str = "e1", *texts: str, scope: Scope = ANA) -> TurnsEvent:
    """Return an event with these turns, else with one."""
    return TurnsEvent(
        v=EVENT_VERSION,
        event_id=EventId(event_id),
        tenant_id=scope.tenant_id,
        user_id=scope.user_id,
        messages=tuple(EventMessage(role="user", content=text, timestamp=NOW) for text in texts or ("I like tea 🍵",)),
        source="api",
        accepted_at=NOW,
    )


def make_receipt(
    event: TurnsEvent, state: EventState = "queued", *, attempts: int = 0, error: str | None = None
) -> Receipt:
    """Return the receipt that a log should give for an event."""
    ids = tuple(page_id(event.scope, event.event_id, index) for index in range(len(event.messages)))
    return Receipt(event_id=event.event_id, state=state, attempts=attempts, error=error, memory_ids=ids)
