"""What was learnt from pages, as far as editing and deleting must know it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Fact


class Gone(Protocol):
    """What went with something that was forgotten."""

    @property
    def deleted(self) -> tuple[MemoryId, ...]:
        """The ids of the memories that are no more."""
        ...


class Forgets(Protocol):
    """Takes back what was learnt."""

    async def forget(self, scope: Scope, page_ids: Sequence[MemoryId]) -> Gone:
        """Forget what was learnt from these pages alone, and take them out of the rest."""
        ...

    async def forget_facts(self, scope: Scope, fact_ids: Sequence[MemoryId]) -> Gone:
        """Delete facts, as if they had never been learnt."""
        ...


class Amends(Protocol):
    """Takes over what a person says of a fact."""

    async def amend(self, fact: Fact) -> Fact:
        """Make a known fact say what this one says, and everything made of it follow; return it as it is then.

        Raises NotFound when it was deleted meanwhile.
        """
        ...


class Renews(Protocol):
    """Learns again."""

    async def renew(self, scope: Scope, page: MemoryId, *, said_at: datetime) -> None:
        """Learn from a page as if it were new."""
        ...
