"""The document store of the noop profile: holds nothing, takes nothing."""

from collections.abc import Mapping, Sequence

from memoryos_ports.documents import Change, Document, DocumentKey
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.ids import Scope


class NoopDocuments:
    """A `DocumentStore` without documents: reads are empty, a write raises MemoryDisabled."""

    async def get(self, scope: Scope, kind: str, ids: Sequence[str]) -> dict[str, Document]:
        """Return nothing."""
        return {}

    async def put(
        self, scope: Scope, kind: str, id: str, body: bytes, *, expected_version: int | None = None
    ) -> Document:
        """Raise MemoryDisabled."""
        raise MemoryDisabled

    async def update(self, scope: Scope, changes: Mapping[DocumentKey, Change]) -> None:
        """Raise MemoryDisabled."""
        raise MemoryDisabled

    async def list_documents(self, scope: Scope, kind: str, *, limit: int, after: str | None = None) -> list[Document]:
        """Return nothing."""
        return []

    async def delete(self, scope: Scope, kind: str, ids: Sequence[str]) -> int:
        """Return 0: nothing was there."""
        return 0

    async def erase(self, scope: Scope) -> int:
        """Return 0: nothing was there."""
        return 0

    async def ping(self) -> None:
        """Return: there is nothing to reach."""
