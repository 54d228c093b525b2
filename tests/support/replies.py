"""What a `FakeUpstream` can answer: honest replies, faults, and replies that stop half-way."""

from typing import Any, Literal, TypeAlias

import msgspec

from tests.support.completion import Completion, Speech, encode, halves, sse

Stop: TypeAlias = Literal["end", "reset", "hang"]

_JSON = "application/json"
_SSE = "text/event-stream; charset=utf-8"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One reply; build it with the functions of this class and narrow it with `stopping` and `paced`.

    It is sent as `pieces` of a body (those of a `completion` depend on the request). `stop` happens after
    `stop_after` pieces, or before the head when that is None. `raw` is not even HTTP.
    """

    status: int = 200
    headers: dict[str, str] = {}
    pieces: tuple[bytes, ...] = ()
    completion: Completion | None = None
    raw: bytes | None = None
    stop: Stop | None = None
    stop_after: int | None = None
    pause_s: float = 0

    @staticmethod
    def text(*pieces: str, finish_reason: str = "stop") -> "Reply":
        """Answer with this text, whole or streamed as the request wants it, one chunk for each piece."""
        return Reply(completion=Completion(pieces=pieces, finish_reason=finish_reason))

    @staticmethod
    def tools(*tools: tuple[str, str, str]) -> "Reply":
        """Ask for these calls: (id, name, arguments)."""
        return Reply(completion=Completion(tools=tools, finish_reason="tool_calls"))

    @staticmethod
    def thinking(reasoning: str, *pieces: str) -> "Reply":
        """Answer with this text after these thoughts."""
        return Reply(completion=Completion(reasoning=reasoning, pieces=pieces))

    @staticmethod
    def json(document: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> "Reply":
        """Answer with this JSON, whatever was asked."""
        return Reply(status=status, headers={"content-type": _JSON, **(headers or {})}, pieces=halves(encode(document)))

    @staticmethod
    def error(
        status: int,
        message: str = "The server had an error.",
        *,
        kind: str = "server_error",
        code: str | int | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> "Reply":
        """Refuse as OpenAI does; `headers` may hold ``retry-after``."""
        body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
        return Reply.json(body, status=status, headers=headers)

    @staticmethod
    def events(*events: dict[str, Any] | bytes, done: bool = True) -> "Reply":
        """Stream these events: JSON as one event each, bytes as they are."""
        pieces = tuple(event if isinstance(event, bytes) else sse(event) for event in events)
        return Reply(headers={"content-type": _SSE}, pieces=(*pieces, *([b"data: [DONE]\n\n"] if done else [])))

    @staticmethod
    def page(body: bytes = b"<html><h1>502 Bad Gateway</h1></html>", *, status: int = 502) -> "Reply":
        """Answer with HTML, as a proxy in between does."""
        return Reply(status=status, headers={"content-type": "text/html"}, pieces=(body,))

    @staticmethod
    def broken_json() -> "Reply":
        """Answer 200 with JSON that breaks off."""
        return Reply(headers={"content-type": _JSON}, pieces=(b'{"id": "chatcmpl-fake", "choices": [{"ind',))

    @staticmethod
    def garbage() -> "Reply":
        """Answer with bytes that are not HTTP."""
        return Reply(raw=b"\x16\x03\x01 this is not HTTP\r\n\r\n")

    @staticmethod
    def reset() -> "Reply":
        """Reset the connection before the head of an answer."""
        return Reply(stop="reset")

    @staticmethod
    def hang() -> "Reply":
        """Never answer."""
        return Reply(stop="hang")

    def stopping(self, stop: Stop, *, after: int) -> "Reply":
        """Return this reply ended (as if it were complete), reset or hanging after so many pieces.

        A piece is an event of a stream, or half of a JSON body.
        """
        return msgspec.structs.replace(self, stop=stop, stop_after=after)

    def paced(self, pause_s: float) -> "Reply":
        """Return this reply with a pause after each piece."""
        return msgspec.structs.replace(self, pause_s=pause_s)

    def prepared(self, speech: Speech, *, path: str, request: Any) -> "Reply":
        """Return this reply with headers and pieces that fit a request, said in the provider's dialect."""
        if self.completion is None:
            return self
        spoken = speech(self.completion, path=path, request=request if isinstance(request, dict) else {})
        headers = {"content-type": spoken.content_type, **self.headers}
        return msgspec.structs.replace(self, headers=headers, pieces=spoken.pieces)
