"""The noop short-term store: reads are empty, writes are refused."""

from datetime import UTC, datetime

import pytest

from memoryos_adapters.short_term.noop import NoopShortTerm
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.ids import EventId, Scope, SessionId, TenantId, UserId, page_id
from memoryos_ports.memory import Page
from memoryos_ports.short_term import ShortTermStore

ANA = Scope(tenant_id=TenantId("acme"), user_id=UserId("ana"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PAGE = Page(
    id=page_id(ANA, EventId("e"), 0),
    scope=ANA,
    event_id=EventId("e"),
    index=0,
    role="user",
    text="tea",
    timestamp=NOW,
    accepted_at=NOW,
    content_hash="c0ffee",
)


@pytest.fixture
def store() -> ShortTermStore:
    """The store under test."""
    return NoopShortTerm()


async def test_reads_are_empty(store: ShortTermStore) -> None:
    assert await store.recent(ANA, SessionId("s1"), limit=10) == []
    assert await store.latest(ANA, limit=10) == []
    assert await store.unindexed(ANA, limit=10) == []
    assert await store.get(ANA, [PAGE.id]) == []


@pytest.mark.parametrize("indexed", [False, True])
async def test_append_is_refused(store: ShortTermStore, indexed: bool) -> None:
    with pytest.raises(MemoryDisabled):
        await store.append([PAGE], indexed=indexed)


async def test_marking_and_removing_what_is_not_there_is_harmless(store: ShortTermStore) -> None:
    await store.mark_indexed(ANA, [PAGE.id])
    await store.remove(ANA, [PAGE.id])


async def test_replacing_what_is_not_there_is_harmless(store: ShortTermStore) -> None:
    await store.replace(PAGE)
    assert await store.get(ANA, [PAGE.id]) == []


async def test_there_is_nothing_to_erase(store: ShortTermStore) -> None:
    assert await store.erase(ANA) == 0


async def test_ping_returns(store: ShortTermStore) -> None:
    await store.ping()
