"""generateContent as it goes out and as it comes in; fields that are not named here are skipped.

Sources: the Gemini API reference (v1beta, GenerateContentRequest and GenerateContentResponse); google-genai, types.py.
"""

from typing import TypeAlias

import msgspec

from memoryos_adapters.llm.wire import decode_wire
from memoryos_ports.errors import UpstreamProtocolError

_Json: TypeAlias = msgspec.Raw | msgspec.UnsetType


class _Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    pass


class Blob(_Wire, frozen=True, kw_only=True):
    """A file inside a part, as base64."""

    mime_type: str = ""
    data: str = ""


class FileData(_Wire, frozen=True, kw_only=True):
    """A file that the provider has, or fetches."""

    file_uri: str
    mime_type: str | None = None


class FunctionCall(_Wire, frozen=True, kw_only=True):
    """A call; `args` is a JSON object. Older models give no id."""

    name: str | None = None
    args: _Json = msgspec.UNSET
    id: str | None = None


class FunctionResponse(_Wire, frozen=True, kw_only=True):
    """What a call returned; `response` is a JSON object."""

    name: str
    response: msgspec.Raw
    id: str | None = None


class Part(_Wire, frozen=True, kw_only=True):
    """One of text, a call, its result or a file; a text may be a thought, and a signature may stand on any of them."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None


class Content(_Wire, frozen=True, kw_only=True):
    """A turn; `role` is user or model (user, where it says nothing: in a system instruction)."""

    role: str | None = None
    parts: list[Part] | None = None


class Candidate(_Wire, frozen=True, kw_only=True):
    """One of the answers, or what an event adds to it. The wire leaves an `index` of 0 out."""

    content: Content | None = None
    finish_reason: str | None = None
    index: int | None = None
    grounding_metadata: _Json = msgspec.UNSET
    citation_metadata: _Json = msgspec.UNSET
    url_context_metadata: _Json = msgspec.UNSET


class PromptFeedback(_Wire, frozen=True, kw_only=True):
    """Why there is no answer."""

    block_reason: str | None = None


class UsageMetadata(_Wire, frozen=True, kw_only=True):
    """Token counts; the wire leaves zeros out."""

    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None


class WireAnswer(_Wire, frozen=True, kw_only=True):
    """A whole answer, or an event of a stream. An `error` makes it a refusal."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: _Json = msgspec.UNSET


_DECODER = msgspec.json.Decoder(WireAnswer)
_LIST_DECODER = msgspec.json.Decoder(list[WireAnswer])
_LOOKED_AT = 64
_NULL = msgspec.Raw(b"null")


def json_of(value: _Json) -> msgspec.Raw | None:
    """Return a field that is carried unread, None when it is absent or null."""
    return None if value is msgspec.UNSET or value == _NULL else value


def decode_answer(data: bytes, *, upstream: str) -> WireAnswer:
    """Decode an answer or an event; of a list (errors come in one, GE10) the first counts.

    Raises UpstreamProtocolError for anything else.
    """
    if not data[:_LOOKED_AT].lstrip().startswith(b"["):
        return decode_wire(_DECODER, data, upstream=upstream)
    answers = decode_wire(_LIST_DECODER, data, upstream=upstream)
    if not answers:
        raise UpstreamProtocolError(upstream=upstream, detail="an empty answer")
    return answers[0]
