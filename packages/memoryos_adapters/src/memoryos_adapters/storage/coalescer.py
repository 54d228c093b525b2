"""Calls that arrive while one is under way, done together as the next one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, NamedTuple, Self, TypeAlias, TypeVar

from memoryos_ports.errors import StorageFull, UpstreamTimeout, UpstreamUnavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Work: TypeAlias = Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]]

# What says nothing against any of the items: trying them one by one would only knock more often.
_NOBODYS_FAULT = (UpstreamUnavailable, UpstreamTimeout, StorageFull)


class Coalescer(Generic[Item, Answer]):
    """Does work on items, as many together as came meanwhile, at most `at_once`; built by `open`.

    Each caller gets its own answer. If the work fails for what may be one item's fault, each is tried alone, so that
    the others get theirs. A caller that is cancelled leaves the work to the others.
    """

    def __init__(self, work: Work[Item, Answer], *, at_once: int, upstream: str) -> None:
        self._work, self._at_once, self._upstream = work, at_once, upstream
        self._waiting: list[_Call[Item, Answer]] = []
        self._running: asyncio.Task[None] | None = None
        self._is_closed = False

    @classmethod
    @asynccontextmanager
    async def open(cls, work: Work[Item, Answer], *, at_once: int, upstream: str) -> AsyncIterator[Self]:
        """Take calls; those not done at the end raise UpstreamUnavailable naming `upstream`, as do later ones."""
        coalescer = cls(work, at_once=at_once, upstream=upstream)
        try:
            yield coalescer
        finally:
            await coalescer._close()

    async def __call__(self, item: Item) -> Answer:
        """Return the answer for an item, or raise why there is none."""
        if self._is_closed:
            raise self._closed()
        call = _Call[Item, Answer](item, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await call.answer

    async def _run(self) -> None:
        while calls := self._waiting[: self._at_once]:
            del self._waiting[: self._at_once]
            try:
                await self._do(calls)
            finally:
                _fail(calls, self._closed())  # those that have no answer, as the end has come

    async def _do(self, calls: Sequence["_Call[Item, Answer]"]) -> None:
        (done,) = await asyncio.gather(self._work([call.item for call in calls]), return_exceptions=True)
        match done:
            case BaseException() if len(calls) == 1 or isinstance(done, _NOBODYS_FAULT):
                _fail(calls, done)
            case BaseException():
                for call in calls:
                    await self._do([call])
            case answers:
                for call, answer in zip(calls, answers, strict=True):
                    if not call.answer.done():
                        call.answer.set_result(answer)

    async def _close(self) -> None:
        self._is_closed = True
        _fail(self._waiting, self._closed())
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    def _closed(self) -> UpstreamUnavailable:
        return UpstreamUnavailable(upstream=self._upstream, detail="closed")


class _Call(NamedTuple, Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]


def _fail(calls: Sequence[_Call[Item, Answer]], error: BaseException) -> None:
    """Let those of the calls fail that have no answer yet."""
    for call in calls:
        if not call.answer.done():
            call.answer.set_exception(error)
