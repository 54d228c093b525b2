"""Deleting memories for good, with what was learnt from them."""

from collections.abc import Sequence

from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.lifecycle.derivatives import Forgets
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.history import History
from memoryos_core.lifecycle.quarantine import Quarantine
from memoryos_core.memory.library import Library
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Memory, Page


class Deletion:
    """Deletes memories everywhere: index, short-term memory, history, quarantine, and what only they taught."""

    def __init__(
        self,
        *,
        library: Library,
        derivatives: Forgets,
        history: History,
        quarantine: Quarantine,
        gate: ScopeGate,
        locks: ScopeLocks,
    ) -> None:
        self._library = library
        self._derivatives = derivatives
        self._history = history
        self._quarantine = quarantine
        self._gate = gate
        self._locks = locks

    async def delete(self, scope: Scope, memory_id: MemoryId, *, actor: str = "api") -> list[MemoryId]:
        """Delete a memory; return the ids that went, its own first. Raises NotFound when there is none.

        The pages of a segment stay, and so does what was learnt from them.
        """
        async with self._gate.writing(scope), self._locks.of(scope):
            return await self.remove(scope, [await self._library.get(scope, memory_id)], actor=actor)

    async def remove(self, scope: Scope, memories: Sequence[Memory], *, actor: str) -> list[MemoryId]:
        """Delete memories of a scope whose gate is passed and whose lock is held; return the ids that went, theirs
        first.

        What is interrupted can be done again: a memory is not gone before all that was made of it is.
        """
        ids = [memory.id for memory in memories]
        pages = [memory.id for memory in memories if isinstance(memory, Page)]
        facts = [memory.id for memory in memories if isinstance(memory, Fact)]
        for memory in memories:
            await self._history.note_deleted(scope, memory, actor=actor)
        learnt = (await self._derivatives.forget(scope, pages)).deleted if pages else ()
        if facts:
            await self._derivatives.forget_facts(scope, facts)
        await self._quarantine.drop(scope, pages)
        await self._library.remove(scope, memories)
        return [*ids, *(id_ for id_ in learnt if id_ not in ids)]
