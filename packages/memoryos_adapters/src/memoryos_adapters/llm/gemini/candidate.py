"""One candidate of an answer: what its parts say, whole or event by event, and how it ended (GE4-GE7)."""

import uuid
from typing import Any

import msgspec

from memoryos_adapters.llm.data_url import InlineData
from memoryos_adapters.llm.gemini.signatures import Signatures, extra_content
from memoryos_adapters.llm.gemini.wire import Candidate, FunctionCall, Part, json_of
from memoryos_ports.errors import UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.llm import FinishReason, ToolCall

_FINISH_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "ESCALATION",
            "MODEL_ARMOR",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "IMAGE_OTHER",
        ),
        "content_filter",
    ),
}
_FAILURES = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
        "NO_IMAGE",
        "PUP_LIMITED_DISABLED",
        "OTHER",
    }
)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What some parts say."""

    content: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.content or self.reasoning or self.tool_calls)


class OpenCandidate:
    """A candidate that is being read. `native_finish_reason` is the latest that was given: some models say STOP in
    every event of a stream, and only the end of the body makes it true.
    """

    def __init__(self, *, upstream: str, owner: str, signatures: Signatures) -> None:
        self._upstream, self._owner, self._signatures = upstream, owner, signatures
        self._call_ids: list[str] = []
        self._signature: str | None = None
        self._images: list[dict[str, Any]] = []
        self._metadata: dict[str, msgspec.Raw] = {}
        self.native_finish_reason: str | None = None

    def read(self, wire: Candidate) -> Said:
        """Return what these parts add. Raises UpstreamUnavailable when the provider failed, UpstreamProtocolError for
        an end that is not understood: neither is ever passed on as `stop`.
        """
        parts = (wire.content.parts if wire.content is not None else None) or []
        if wire.finish_reason is not None:
            self._check_end(wire.finish_reason)
            self.native_finish_reason = wire.finish_reason
        for name in ("grounding_metadata", "citation_metadata", "url_context_metadata"):
            if (value := json_of(getattr(wire, name))) is not None:
                self._metadata[name] = value
        for part in parts:
            self._set_aside(part)
        return Said(
            content="".join(part.text for part in parts if part.text and not part.thought),
            reasoning="".join(part.text for part in parts if part.text and part.thought),
            tool_calls=tuple(self._call(part.function_call, part) for part in parts if part.function_call is not None),
        )

    @property
    def finish_reason(self) -> FinishReason:
        """How it ended; a STOP after function calls means that they are asked for."""
        reason = _FINISH_REASONS[self.native_finish_reason or ""]
        return "tool_calls" if reason == "stop" and self._call_ids else reason

    @property
    def other_finish_reason(self) -> str | None:
        """The provider's own word for the end, where it is another."""
        native = self.native_finish_reason or ""
        return None if native.lower() == self.finish_reason else native

    @property
    def extra(self) -> dict[str, msgspec.Raw]:
        """What else belongs to the message: the sources it rests on, its images, the signature of its text."""
        extra = dict(self._metadata)
        if self._images:
            extra["images"] = msgspec.Raw(msgspec.json.encode(self._images))
        if self._signature is not None:
            extra["extra_content"] = extra_content(self._signature)
        return extra

    def _check_end(self, native: str) -> None:
        if native in _FAILURES:
            raise UpstreamUnavailable(upstream=self._upstream, detail=f"gave up with finishReason {native}")
        if native not in _FINISH_REASONS:
            raise UpstreamProtocolError(upstream=self._upstream, detail="an unknown finishReason")

    def _set_aside(self, part: Part) -> None:
        if part.inline_data is not None and not part.thought:
            url = InlineData(media_type=part.inline_data.mime_type, data=part.inline_data.data).url
            self._images.append({"type": "image_url", "image_url": {"url": url}})
        elif part.thought_signature and part.function_call is None and not part.thought:
            self._signature = part.thought_signature

    def _call(self, function: FunctionCall, part: Part) -> ToolCall:
        if not function.name:
            raise UpstreamProtocolError(upstream=self._upstream, detail="a function call without a name")
        taken = not function.id or function.id in self._call_ids
        call_id = f"call_{uuid.uuid4().hex[:24]}" if taken else str(function.id)
        self._call_ids.append(call_id)
        call = ToolCall(id=call_id, name=function.name, arguments=_arguments(json_of(function.args)))
        if not part.thought_signature:
            return call
        self._signatures.keep(self._owner, call, part.thought_signature)
        return msgspec.structs.replace(call, extra_content=extra_content(part.thought_signature))


def _arguments(args: msgspec.Raw | None) -> str:
    """Google indents its JSON."""
    return "{}" if args is None else msgspec.json.format(bytes(args), indent=-1).decode()
