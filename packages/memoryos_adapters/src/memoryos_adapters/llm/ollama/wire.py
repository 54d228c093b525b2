"""What Ollama answers, decoded leniently: fields that are not named here are skipped.

Sources: docs/api.md of Ollama; the types of its SDK; api/types.go for what only newer servers send (ids of calls).
"""

from typing import Any

import msgspec


class WireFunction(msgspec.Struct, frozen=True, gc=False):
    """A called function; the arguments are an object (OL3)."""

    name: str = ""
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class WireToolCall(msgspec.Struct, frozen=True, gc=False):
    """A call, always whole; only newer servers give it an id."""

    function: WireFunction = WireFunction()
    id: str | None = None


class WireMessage(msgspec.Struct, frozen=True, gc=False):
    """The message of a whole answer, or what a line of a stream adds to it."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[WireToolCall] | None = None


class WireAnswer(msgspec.Struct, frozen=True, gc=False):
    """A whole answer, or a line of a stream; durations (ns) are skipped. A truthy `error` is all there is (OL8).

    `status` is the HTTP status that an error would have had, where the server says so.
    """

    model: str | None = None
    created_at: str | None = None
    message: WireMessage = WireMessage()
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: Any = None
    status: int | None = None


class WireEmbeddings(msgspec.Struct, frozen=True, gc=False):
    """The answer of ``/api/embed``."""

    embeddings: list[list[float]] | None = None
    prompt_eval_count: int | None = None
    error: Any = None
