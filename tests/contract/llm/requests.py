"""Requests for the tests of LLM adapters, and what comes of them."""

from collections.abc import Iterable

import msgspec

from memoryos_ports.llm import ChatChunk, ChatRequest, ChoiceDelta, LlmAdapter, Message


def make_request(
    text: str = "Hello?", *, model: str = "fake-model", recalled: tuple[str, ...] = (), **params: object
) -> ChatRequest:
    """Return a request with one user message that came over the wire; `params` are encoded as JSON."""
    wire = msgspec.Raw(msgspec.json.encode({"role": "user", "content": text}))
    return ChatRequest(
        model=model,
        messages=(Message(role="user", content=text, wire=wire),),
        params={name: msgspec.Raw(msgspec.json.encode(value)) for name, value in params.items()},
        recalled=recalled,
    )


async def stream_of(llm: LlmAdapter, request: ChatRequest) -> list[ChatChunk]:
    """Return all chunks of a stream."""
    return [chunk async for chunks in llm.chat_stream(request) for chunk in chunks]


def deltas_of(chunks: Iterable[ChatChunk], *, index: int = 0) -> list[ChoiceDelta]:
    """Return what the chunks add to one choice."""
    return [delta for chunk in chunks for delta in chunk.deltas if delta.index == index]


def text_of(chunks: Iterable[ChatChunk], *, index: int = 0) -> str:
    """Return the text of one choice."""
    return "".join(delta.content or "" for delta in deltas_of(chunks, index=index))
