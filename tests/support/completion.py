"""What a fake provider answers, in no dialect yet, and what every dialect needs to say it."""

from typing import Any, Protocol

import msgspec


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: `pieces` are the texts of its chunks, `tools` are (id, name, arguments).

    `finish_reason` is in OpenAI's words, or a native one that a dialect passes on. `usage` is prompt and completion
    tokens, of which 2 are cached and 1 is reasoning, where the dialect can say so.
    """

    pieces: tuple[str, ...] = ()
    tools: tuple[tuple[str, str, str], ...] = ()
    reasoning: str = ""
    finish_reason: str = "stop"
    usage: tuple[int, int] = (7, 3)


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a 200, in the pieces that are written one by one."""

    content_type: str
    pieces: tuple[bytes, ...]


class Speech(Protocol):
    """A provider's dialect: from a completion to the body that answers one request."""

    def __call__(self, completion: Completion, *, path: str, request: dict[str, Any]) -> Spoken:
        """Return the answer to a request with this path and decoded body."""
        ...


def encode(document: Any) -> bytes:
    """Return a document as JSON."""
    return msgspec.json.encode(document)


def halves(body: bytes) -> tuple[bytes, bytes]:
    """Return a body in two pieces."""
    return body[: len(body) // 2], body[len(body) // 2 :]


def sse(event: Any, *, name: str = "") -> bytes:
    """Return one server-sent event, named if need be."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + encode(event) + b"\n\n"
