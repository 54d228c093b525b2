"""Dead letters in a list, in the place of a Redis."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from memoryos_ports.dead_letters import DeadLetter
from tests.support.makers import NOON


def make_letter(number: int, **fields: Any) -> DeadLetter:
    """Return a dead letter; `fields` replace any of its others."""
    values: dict[str, Any] = {
        "id": f"{number}-0",
        "source": "chat_log",
        "source_id": f"{number + 1000}-0",
        "event_id": f"e{number}",
        "tenant_id": "acme",
        "user_id": "ana",
        "attempts": 5,
        "error": "ValueError: odd text",
        "failed_at": NOON,
        "payload": b'{"v":1}',
    }
    return DeadLetter(**(values | fields))


class Letterbox:
    """A `DeadLetters` that notes what is put back; what it is told to refuse cannot be."""

    def __init__(self, letters: Sequence[DeadLetter], *, refuses: Sequence[str] = ()) -> None:
        self.letters = list(letters)
        self.replayed: list[str] = []
        self.pages: list[int] = []
        self._refuses = refuses

    @property
    def ids(self) -> list[str]:
        """What is still there."""
        return [letter.id for letter in self.letters]

    async def list_dead(self, *, limit: int, after: str | None = None) -> list[DeadLetter]:
        """Return up to `limit`, oldest first."""
        start = self.ids.index(after) + 1 if after else 0
        self.pages.append(limit)
        return self.letters[start : start + limit]

    async def find(self, ids: Sequence[str]) -> AsyncIterator[DeadLetter]:
        """Yield those with these ids, oldest first."""
        for letter in self.letters:
            if letter.id in ids:
                yield letter

    async def replay(self, ids: Sequence[str]) -> int:
        """Note which."""
        gone = [id_ for id_ in ids if id_ not in self._refuses]
        self.replayed += gone
        return await self.drop(gone)

    async def drop(self, ids: Sequence[str]) -> int:
        """Remove them."""
        before = len(self.letters)
        self.letters = [letter for letter in self.letters if letter.id not in ids]
        return before - len(self.letters)
