"""The beginning of a stream: nothing is promised to the client before a model has said something."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Self, TypeAlias

from memoryos_ports.errors import StreamCut, UpstreamUnavailable
from memoryos_ports.llm import ChatChunk

GRACE_S = 0.5
"""How long a first chunk without words (a role alone) is held back for what follows: errors follow at once."""

Batches: TypeAlias = AsyncGenerator[list[ChatChunk], None]


class RestOfStream:
    """What comes after the first words. Closing it closes the upstream call, whether it was read from or not."""

    def __init__(self, source: Batches, pending: "asyncio.Task[list[ChatChunk]] | None" = None) -> None:
        self._source, self._pending = source, pending

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[ChatChunk]:
        if (pending := self._pending) is not None:
            self._pending = None
            return await pending
        return await anext(self._source)

    async def aclose(self) -> None:
        """Give up the rest."""
        if (pending := self._pending) is not None:
            self._pending = None
            pending.cancel()
            await asyncio.wait({pending})
        await self._source.aclose()


async def first_words(
    source: Batches, *, upstream: str, grace_s: float = GRACE_S
) -> tuple[list[ChatChunk], RestOfStream]:
    """Return the chunks up to the first that says something, and the rest.

    A stream that begins without words is not held back longer than `grace_s` after its first chunk. One that is cut,
    or ends, before that was no answer at all: raises UpstreamUnavailable, which is retryable; else what the source
    raises. It is closed then.
    """
    rest, has_begun = RestOfStream(source), False
    try:
        first = [*await anext(source)]
        until = asyncio.get_running_loop().time() + grace_s
        while all(delta.is_empty for chunk in first for delta in chunk.deltas):
            pending = asyncio.create_task(_next(source))
            rest = RestOfStream(source, pending)
            if not await _is_there(pending, until=until):
                break
            first += await anext(rest)
        has_begun = True
    except StopAsyncIteration:
        raise UpstreamUnavailable(upstream=upstream, detail="a stream without an answer") from None
    except StreamCut as exc:
        raise UpstreamUnavailable(upstream=upstream, detail=exc.detail) from exc
    finally:
        if not has_begun:
            await rest.aclose()
    return first, rest


async def _next(source: Batches) -> list[ChatChunk]:
    return await anext(source)


async def _is_there(pending: "asyncio.Task[list[ChatChunk]]", *, until: float) -> bool:
    wait_s = max(0.0, until - asyncio.get_running_loop().time())
    done, _ = await asyncio.wait({pending}, timeout=wait_s)
    return bool(done)
