"""What memories are called in the scope that they are brought into."""

import re

import msgspec

from memoryos_core.transfer.lines import MemoryLine
from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import MemoryId, Scope, derive_id, page_id
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import Memory, Page

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Names:
    """Finds the ids of one import: the same ones for the same user, and the same again when it is done again."""

    def __init__(self, *, origin: Scope, target: Scope) -> None:
        self._target = target
        self._moves = origin != target
        self._pages: dict[MemoryId, MemoryId] = {}

    @property
    def moves(self) -> bool:
        """Whether the memories come from somebody else."""
        return self._moves

    def of(self, memory_id: MemoryId) -> MemoryId:
        """Return what a memory is called here; a page of another scope must have been `renamed` before.

        Raises InvalidInput for what is no id of a memory.
        """
        if _ID.fullmatch(memory_id) is None:
            raise InvalidInput("an id of a memory is a UUID", param="id")
        if not self._moves:
            return memory_id
        return self._pages.get(memory_id) or MemoryId(
            derive_id("imported", self._target.tenant_id, self._target.user_id, memory_id)
        )

    def renamed(self, line: MemoryLine) -> Memory:
        """Return the memory of a line under its id here, with what it refers to."""
        memory = line.memory
        match memory:
            case Page():
                return self._page(memory, line)
            case Fact():
                return msgspec.structs.replace(
                    memory,
                    id=self.of(memory.id),
                    sources=tuple(map(self.of, memory.sources)),
                    superseded_by=None if memory.superseded_by is None else self.of(memory.superseded_by),
                )
            case Segment():
                return msgspec.structs.replace(
                    memory,
                    id=self.of(memory.id),
                    pages=tuple(map(self.of, memory.pages)),
                    pending=tuple(map(self.of, memory.pending)),
                )

    def _page(self, page: Page, line: MemoryLine) -> Page:
        id_ = page_id(self._target, page.event_id, page.index)
        if self._moves:
            self._pages[page.id] = id_
        follows = page.follows if page.follows is None else self.of(page.follows)
        if line.follows is not None:
            follows = page_id(self._target, line.follows.event_id, line.follows.index)
        return msgspec.structs.replace(page, id=id_, follows=follows)
