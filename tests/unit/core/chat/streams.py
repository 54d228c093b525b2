"""A model whose streams consist of chosen batches, and which knows whether they were closed."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, TypeAlias

from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest, ChoiceDelta, Usage

Step: TypeAlias = "list[ChatChunk] | Exception | float | None"
"""What a stream does next: yields a batch, raises, waits so many seconds, or (None) hangs."""

USAGE = Usage(prompt_tokens=70, completion_tokens=30)


def batch(*deltas: ChoiceDelta, usage: Usage | None = None) -> list[ChatChunk]:
    """Return chunks that arrived together: one for each delta, and one for the usage."""
    chunks = [ChatChunk(id="c", created=1, model="m", deltas=(delta,)) for delta in deltas]
    return chunks if usage is None else [*chunks, ChatChunk(id="c", created=1, model="m", usage=usage)]


def delta(content: str | None = None, **fields: Any) -> ChoiceDelta:
    """Return a delta of the first choice."""
    return ChoiceDelta(**({"index": 0, "content": content} | fields))


ROLE = batch(delta("", role="assistant"))
NOTHING = batch(delta(""))
END = batch(delta(finish_reason="stop"))


class Streams:
    """An `LlmAdapter` whose next stream does these steps and then ends; asked beyond them, an AssertionError.

    `opened` and `closed` count its streams.
    """

    def __init__(self, *streams: Sequence[Step], name: str = "streams") -> None:
        self._streams, self.name = list(streams), name
        self.requests: list[ChatRequest] = []
        self.opened = self.closed = 0

    async def reach(self) -> None:
        """There is nothing to reach."""

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Only streams are given."""
        raise UpstreamUnavailable(upstream=self.name)

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Do the steps of the next stream."""
        self.requests.append(request)
        steps = self._streams.pop(0)
        self.opened += 1
        try:
            for step in steps:
                if isinstance(step, list):
                    yield step
                elif isinstance(step, Exception):
                    raise step
                else:
                    await asyncio.sleep(10_000 if step is None else step)
        finally:
            self.closed += 1
