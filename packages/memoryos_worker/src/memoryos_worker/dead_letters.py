"""What the commands do with dead letters: find those that are meant, put them back or drop them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from memoryos_ports.dead_letters import DeadLetter, DeadLetters
from memoryos_ports.errors import NotFound

PAGE = 100
"""How many are asked for, put back or dropped at once."""

Change: TypeAlias = Callable[[Sequence[str]], Awaitable[int]]


async def list_letters(store: DeadLetters, *, count: int) -> list[DeadLetter]:
    """Return the `count` oldest dead letters with their payloads."""
    return [letter async for letter in _letters(store, count)]


async def find_letters(store: DeadLetters, ids: Sequence[str], *, count: int | None) -> list[DeadLetter]:
    """Return the dead letters with these ids, of all if none is named, oldest first and at most `count`.

    Without their payloads: there may be many of them. Raises NotFound for an id that none has.
    """
    letters = store.find(ids) if ids else _letters(store, count)
    found = [replace(letter, payload=b"") async for letter in letters]
    if unknown := sorted(set(ids) - {letter.id for letter in found}):
        raise NotFound("dead letter", unknown[0])
    return found[:count]


async def change_letters(change: Change, letters: Sequence[DeadLetter]) -> int:
    """Put back or drop dead letters, a page at a time; return how many there still were."""
    ids = [letter.id for letter in letters]
    return sum([await change(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE)])


async def _letters(store: DeadLetters, count: int | None) -> AsyncIterator[DeadLetter]:
    """Yield the oldest dead letters, all when `count` is None."""
    after: str | None = None
    seen = 0
    while count is None or seen < count:
        limit = PAGE if count is None else min(PAGE, count - seen)
        page = await store.list_dead(limit=limit, after=after)
        for letter in page:
            yield letter
        if not page:
            return
        after, seen = page[-1].id, seen + len(page)
