"""The noop document store: reads are empty, writes are refused."""

import pytest

from memoryos_adapters.documents.noop import NoopDocuments
from memoryos_ports.documents import DocumentStore
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.ids import Scope, TenantId, UserId

ANA = Scope(tenant_id=TenantId("acme"), user_id=UserId("ana"))


@pytest.fixture
def store() -> DocumentStore:
    """The store under test."""
    return NoopDocuments()


async def test_reads_are_empty(store: DocumentStore) -> None:
    assert await store.get(ANA, "profile", ["main"]) == {}
    assert await store.list_documents(ANA, "profile", limit=10) == []


@pytest.mark.parametrize("expected_version", [None, 0, 1])
async def test_put_is_refused(store: DocumentStore, expected_version: int | None) -> None:
    with pytest.raises(MemoryDisabled):
        await store.put(ANA, "profile", "main", b"{}", expected_version=expected_version)


async def test_delete_finds_nothing(store: DocumentStore) -> None:
    assert await store.delete(ANA, "profile", ["main"]) == 0


async def test_there_is_nothing_to_erase(store: DocumentStore) -> None:
    assert await store.erase(ANA) == 0


async def test_ping_returns(store: DocumentStore) -> None:
    await store.ping()
