"""Short-term memory in Redis: turns that the index lacks stay, those that it holds expire with their session."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec

from memoryos_adapters.micros import to_micros
from memoryos_adapters.redis_database import RedisDatabase, Script, scope_prefix
from memoryos_adapters.redis_servers import Argument
from memoryos_ports.cursor import Position, position_of
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Page

_SCRIPT = Script.beside(__file__, "redis.lua")
_MS_PER_DAY = 86_400_000
_YEAR_1 = 62_135_596_800 * 10**6
"""Microseconds from the first moment that there can be to 1970: no moment is negative after it is added."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Page)


class RedisShortTerm:
    """A `ShortTermStore` whose keys of a scope are in one slot; every call is one script.

    Holds the newest `per_session` indexed turns of each session, for `session_days` after the last of them was
    appended or marked (0: for ever), and every turn that the index lacks. Removed ids are remembered for ever.
    """

    def __init__(self, redis: RedisDatabase, *, per_session: int = 200, session_days: int) -> None:
        self._redis = redis
        self._bounds = (per_session, session_days * _MS_PER_DAY)

    async def append(self, pages: Sequence[Page], *, indexed: bool = False) -> None:
        """Keep these turns, scope by scope; of one that is known only `indexed` may change, from no to yes."""
        for scope in dict.fromkeys(page.scope for page in pages):
            turns = [_turn(page) for page in pages if page.scope == scope]
            await self._write(scope, "append", int(indexed), *chain.from_iterable(turns))

    async def mark_indexed(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Note that the index holds these turns; those beyond the session's bound go now."""
        if ids:
            await self._write(scope, "mark", *ids)

    async def recent(self, scope: Scope, session_id: SessionId, *, limit: int) -> list[Page]:
        """Return the newest `limit` turns of a session, newest last."""
        waiting, held = await self._run(scope, "recent", session_id, limit)
        return _newest([*_pairs(waiting), *_pairs(held)], limit)

    async def latest(self, scope: Scope, *, limit: int) -> list[Page]:
        """Return the newest `limit` turns of a scope, newest last; of sessions, the `limit` that took turns last."""
        return _newest(_pairs(await self._run(scope, "latest", limit)), limit)

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Page]:
        """Return those of the turns that are kept, in the order asked for."""
        if not ids:
            return []
        return [_decoder.decode(page) for page in await self._run(scope, "get", *ids) if page is not None]

    async def unindexed(
        self, scope: Scope, *, limit: int, session_id: SessionId | None = None, after: Position | None = None
    ) -> list[Page]:
        """Return the newest `limit` turns of the scope that the index lacks, newest last."""
        below = f"({_digits(after)}{after.id}" if after else "+"
        found = await self._run(scope, "unindexed", int(session_id is None), session_id or "", below, limit)
        return _pages(_pairs(found))

    async def remove(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Forget these turns and note their ids, known or not."""
        if ids:
            await self._write(scope, "remove", *ids)

    async def replace(self, page: Page) -> None:
        """Keep this content of a turn that is kept; whether the index holds it stays as noted."""
        await self._write(page.scope, "replace", *_turn(page))

    async def erase(self, scope: Scope) -> int:
        """Remove every turn of a scope, and the ids of removed ones; return how many turns there were."""
        count: int = await self._write(scope, "erase")
        return count

    async def ping(self) -> None:
        """Return when the server answers."""
        await self._redis.ping()

    async def _write(self, scope: Scope, command: str, *args: Argument) -> Any:
        return await self._run(scope, command, *args, durable=True)

    async def _run(self, scope: Scope, command: str, *args: Argument, durable: bool = False) -> Any:
        keys, args = [f"{scope_prefix(scope)}:turns"], (command, *self._bounds, *args)
        return await self._redis.run(_SCRIPT, keys=keys, args=args, durable=durable)


def _turn(page: Page) -> tuple[Argument, ...]:
    """Return the id of a turn, its place, and the page as JSON."""
    return page.id, _digits(position_of(page)) + (page.session_id or ""), _encoder.encode(page)


def _digits(position: Position) -> str:
    """Return 46 digits that sort as positions do, as long as the ids are left out of both."""
    return f"{_sortable(position.timestamp)}{_sortable(position.accepted_at)}{position.index:010d}"


def _sortable(moment: datetime) -> str:
    return f"{to_micros(moment) + _YEAR_1:018d}"


def _pairs(answer: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Return members and their pages, given in turn."""
    return list(zip(answer[::2], answer[1::2], strict=True))


def _newest(pairs: Sequence[tuple[bytes, bytes]], limit: int) -> list[Page]:
    """Return the newest `limit` pages of a list in any order, newest last."""
    return _pages(sorted(pairs, reverse=True)[:limit])


def _pages(newest: Sequence[tuple[bytes, bytes]]) -> list[Page]:
    """Return the pages of a list that has the newest first, newest last."""
    return [_decoder.decode(page) for _, page in reversed(newest)]
