"""The promise of a language model: a conversation in, an answer out, whole or streamed."""

from collections.abc import AsyncGenerator
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class ImageUrl(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An image by http(s) URL or data URL."""

    url: str
    detail: str | None = None


class ContentPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part of a message's content. `type` is text, image_url, input_audio, file, refusal or a newer word."""

    type: str
    text: str | None = None
    image_url: ImageUrl | None = None
    input_audio: msgspec.Raw | None = None
    file: msgspec.Raw | None = None
    refusal: str | None = None


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call the model asks for. `arguments` is a text that should hold JSON ("{}" when there are none).

    `extra_content` is what its provider wants back with the call, in the form of Google's OpenAI-compatible endpoint:
    ``{"google": {"thought_signature": "..."}}``.
    """

    id: str
    name: str
    arguments: str
    extra_content: msgspec.Raw | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a conversation.

    `wire` is the JSON of the message exactly as the client sent it, in the OpenAI dialect: an adapter of the same
    dialect forwards it, so that fields nobody here knows survive. None for messages that were built here.
    """

    role: str
    content: str | tuple[ContentPart, ...] | None = None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    wire: msgspec.Raw | None = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter is asked. `model` is the provider's own name for it.

    `params` holds every other field of the caller's body, undecoded, in the OpenAI dialect (temperature, tools, ...;
    never model, messages or stream). `recalled` is what memory brought for this request: it is already part of the
    last user message and is never sent a second time; the offline fallback answers from it. `owner` is an opaque text
    that tells whose conversation this is, never sent: what an adapter keeps between two calls (a provider's
    signatures) is kept apart by it.
    """

    model: str
    messages: tuple[Message, ...]
    params: dict[str, msgspec.Raw] = {}
    recalled: tuple[str, ...] = ()
    owner: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens. Cached and cache-written ones are part of `prompt_tokens`, reasoning ones of `completion_tokens`."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Prompt plus completion."""
        return self.prompt_tokens + self.completion_tokens


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a call beside its answer.

    `dropped_params` names the caller's parameters that this provider has no word for, as the caller wrote them.
    `headers` are those of the provider's answer that a client may see, by lower-case name: rate limits, request ids.
    """

    dropped_params: tuple[str, ...] = ()
    headers: dict[str, str] = {}


NO_FACTS = CallFacts()


class AnswerMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The assistant's message of a whole answer. `content` is None when there are only tool calls.

    `extra` are further fields for the client (``thinking_blocks``, ``annotations``), which it may send back.
    """

    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    extra: dict[str, msgspec.Raw] = {}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers asked for (`n`); `index` counts from 0.

    `native_finish_reason` is the provider's own word, where it has another.
    """

    index: int
    message: AnswerMessage
    finish_reason: FinishReason
    native_finish_reason: str | None = None


class ChatAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer with at least one choice.

    `created` is Unix seconds. `wire` is the body in the OpenAI dialect, from a provider that speaks it: it may be sent
    to the client as it is. None when the answer has to be encoded from the fields.
    """

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    wire: bytes | None = None
    facts: CallFacts = NO_FACTS


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a tool call. `id` and `name` come once, with the first piece of that `index` (from 0, no holes).

    Calls of other types than functions are on the wire only; each leaves a hole. `extra_content` is that of
    `ToolCall`; it comes once.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    extra_content: msgspec.Raw | None = None


class ChoiceDelta(msgspec.Struct, frozen=True, kw_only=True):
    """What one chunk adds to one choice. `role` comes once; exactly one delta per choice has a finish reason.

    Each field of `extra` (see `AnswerMessage`) comes once and whole, since clients cannot join two pieces of it.
    """

    index: int
    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: FinishReason | None = None
    native_finish_reason: str | None = None
    extra: dict[str, msgspec.Raw] = {}

    @property
    def is_bare(self) -> bool:
        """Whether it holds no words and no calls: a role or an end alone."""
        return not (self.content or self.refusal or self.reasoning or self.tool_calls)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing of the answer yet: a role alone."""
        return self.is_bare and not self.finish_reason


class ChatChunk(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream; `id`, `created` and `model` are the same in all chunks of an answer.

    The chunk that reports `usage` has no deltas and is the last. `wire` is the JSON of the event in the OpenAI
    dialect, from a provider that speaks it, and may be sent to the client as it is; else None. The first chunk of a
    stream holds its `facts`.
    """

    id: str
    created: int
    model: str
    deltas: tuple[ChoiceDelta, ...] = ()
    usage: Usage | None = None
    wire: bytes | None = None
    facts: CallFacts = NO_FACTS


@runtime_checkable
class LlmAdapter(Protocol):
    """One provider. Safe to use from many tasks at once; never retries by itself (the caller owns the budget).

    Raises, from both methods, only errors of this package's tree: UpstreamUnavailable (refused, reset, 5xx),
    UpstreamTimeout, UpstreamProtocolError (garbage), RateLimited, QuotaExhausted, UpstreamAuthError, ModelNotFound,
    UpstreamRejected; each with its cause; and InvalidInput, before anything is sent, for a request that cannot be said
    in the provider's dialect (code ``unsupported_parameter`` or ``unsupported_value`` when another provider's might).
    Cancelling closes the upstream call at once.
    """

    @property
    def name(self) -> str:
        """The provider's name in the configuration."""
        ...

    async def reach(self) -> None:
        """Return when the provider answers and takes our credentials, without a call that costs anything."""
        ...

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Return the whole answer."""
        ...

    def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield the answer as it arrives, as non-empty lists of chunks that arrived together.

        The first list is yielded as soon as the provider's first event is in; everything raised before that means
        that nothing was answered. Ends normally only when the provider said that the answer is complete; usage is
        asked for and comes last where the provider has it. Raises StreamCut when the stream ends early.
        Closing the generator closes the upstream call.
        """
        ...


@runtime_checkable
class OwnerCache(Protocol):
    """What keeps something between the calls of an owner (`ChatRequest.owner`), but not beyond an erasure."""

    def forget(self, owner: str) -> None:
        """Drop all that is kept for an owner, and nothing of anybody else; an unknown one is no error."""
        ...
