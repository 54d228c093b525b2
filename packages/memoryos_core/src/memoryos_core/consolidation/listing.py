"""All memories of a kind, in stretches."""

from collections.abc import AsyncIterator
from typing import TypeVar

from memoryos_ports.ids import Scope
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import MemoryKind, MemoryStorage

_AT_ONCE = 200

_K = TypeVar("_K", Segment, Fact)


async def all_segments(storage: MemoryStorage, scope: Scope) -> list[Segment]:
    """Return every segment of a scope, evicted ones included, newest first."""
    return [segment async for segment in _all(storage, scope, Segment)]


async def all_facts(storage: MemoryStorage, scope: Scope) -> list[Fact]:
    """Return every fact of a scope, those that ended included, newest first."""
    return [fact async for fact in _all(storage, scope, Fact)]


async def _all(storage: MemoryStorage, scope: Scope, type_: type[_K]) -> AsyncIterator[_K]:
    kind: MemoryKind = "segment" if type_ is Segment else "fact"
    cursor = None
    while True:
        stretch = await storage.list_memories(scope, limit=_AT_ONCE, kind=kind, cursor=cursor)
        for memory in stretch.memories:
            if isinstance(memory, type_):
                yield memory
        if (cursor := stretch.next_cursor) is None:
            return
