"""Threads for encoding; on a single one, short calls that wait at the same time are encoded together."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memoryos_ports.embedding import Vector
from memoryos_ports.errors import UpstreamUnavailable

Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]

_TOGETHER = 512  # characters: eight questions take the time of five, longer texts gain nothing by company


class EncodingLane:
    """Serves calls in order on threads of its own; `encode` is blocking and gives a row per text.

    On several threads each call is encoded by itself: another thread may be about to serve the one behind it.
    """

    def __init__(self, name: str, encode: Encode, *, threads: int = 1) -> None:
        self._name = name
        self._encode = encode
        self._room = _TOGETHER if threads == 1 else -1
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._waiting: dict[_Call, None] = {}  # an ordered set
        self._closed = False

    async def vectors(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text, in order. A call that is cancelled before its turn is never encoded.

        Raises UpstreamUnavailable when the lane is closed before the call's turn comes.
        """
        self._refuse_when_closed()
        call = _Call(texts)
        self._waiting[call] = None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._serve, call)
        finally:
            self._waiting.pop(call, None)

    async def aclose(self) -> None:
        """Let the threads finish what they are encoding and end; calls that still wait raise UpstreamUnavailable."""
        self._closed = True
        await asyncio.to_thread(self._executor.shutdown)

    def _serve(self, call: "_Call") -> list[Vector]:
        if call.vectors is None:  # else it was encoded together with a call before it
            self._refuse_when_closed()
            calls = self._with_company(call)
            vectors = iter(self._encode([text for each in calls for text in each.texts]).tolist())
            for each in calls:
                each.vectors = list(islice(vectors, len(each.texts)))
        return call.vectors or []

    def _with_company(self, call: "_Call") -> list["_Call"]:
        calls, room = [call], self._room - call.characters
        self._waiting.pop(call, None)
        for other in list(self._waiting):
            room -= other.characters
            if room < 0:
                break
            calls.append(other)
            self._waiting.pop(other, None)
        return calls

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise UpstreamUnavailable(upstream=self._name, detail="the embedder is closed")


class _Call:
    """Texts that wait, and their vectors once they are there."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.characters = sum(map(len, texts))
        self.vectors: list[Vector] | None = None
