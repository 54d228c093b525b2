"""No FAQ memory at all, for the noop profile."""

from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.faq import FaqEntry, FaqMatch
from memoryos_ports.ids import TenantId


class NoopFaq:
    """A `FaqMemory` that knows no question and refuses writes."""

    async def match(self, tenant_id: TenantId, question: str) -> FaqMatch | None:
        """Return None."""
        return None

    async def put(self, tenant_id: TenantId, entry: FaqEntry) -> None:
        """Raise MemoryDisabled."""
        raise MemoryDisabled

    async def delete(self, tenant_id: TenantId, entry_id: str) -> bool:
        """Return that there was none."""
        return False
