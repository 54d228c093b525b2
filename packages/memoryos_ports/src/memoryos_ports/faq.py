"""The promise of a tenant's FAQ memory: questions whose approved answer is given without asking a model."""

from typing import Protocol, runtime_checkable

import msgspec

from memoryos_ports.ids import TenantId


class FaqEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A question and its answer. Only an `approved` one is ever given."""

    id: str
    question: str
    answer: str
    approved: bool = False


class FaqMatch(msgspec.Struct, frozen=True, kw_only=True):
    """The entry whose question is nearest. `similarity` is the cosine of the two questions: -1..1, higher is closer."""

    entry: FaqEntry
    similarity: float


@runtime_checkable
class FaqMemory(Protocol):
    """Entries of one tenant never show in another.

    Raises UpstreamError when its store or its embedder does not answer, MemoryDisabled (noop) for a write.
    """

    async def match(self, tenant_id: TenantId, question: str) -> FaqMatch | None:
        """Return the approved entry of the tenant that is nearest to the question; None when it has none."""
        ...

    async def put(self, tenant_id: TenantId, entry: FaqEntry) -> None:
        """Write an entry, in the place of one of the same id; durable on return."""
        ...

    async def delete(self, tenant_id: TenantId, entry_id: str) -> bool:
        """Delete an entry; return whether there was one."""
        ...
