"""The OpenAI chat dialect as it comes in, decoded leniently: what is missing or odd is mended in `quirks`.

Fields that are not named here are skipped; `overlay` keeps them.
Sources: the OpenAI API reference; the wire contract, sections 3 and 4.7.
"""

from typing import Any

import msgspec


class WireTokenDetails(msgspec.Struct, frozen=True, gc=False):
    """The details of either side of a usage."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class WireUsage(msgspec.Struct, frozen=True, gc=False):
    """Token counts; `prompt_cache_hit_tokens` is DeepSeek's word for cached ones."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: WireTokenDetails | None = None
    completion_tokens_details: WireTokenDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class WireFunction(msgspec.Struct, frozen=True, gc=False):
    """A called function; some servers send the arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None


class WireToolCall(msgspec.Struct, frozen=True, gc=False):
    """A tool call, or a piece of one (then with `index`); `extra_content` is Google's, `custom` a free-form tool's."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: WireFunction = WireFunction()
    extra_content: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    custom: Any = None

    @property
    def is_of_other_type(self) -> bool:
        """Whether it is a call of something else than a function, or a piece of one: then it says none.

        Only the first piece of such a call tells its type (openai/openai-openapi#576); an empty `custom` beside a
        function is an echo of some gateways (earendil-works/pi#8504).
        """
        if self.function.name or self.function.arguments is not None:
            return False
        return bool(self.custom) or self.type not in (None, "", "function")


class WirePart(msgspec.Struct, frozen=True, gc=False):
    """A part of a content: text, or thoughts, which are parts again."""

    text: str | None = None
    thinking: "list[WirePart] | None" = None


class WireMessage(msgspec.Struct, frozen=True, gc=False):
    """An answer's message, or what a chunk adds to it; thoughts come under either of two names, or in the content."""

    role: str | None = None
    content: str | list[WirePart] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[WireToolCall] | None = None


class WireChoice(msgspec.Struct, frozen=True, gc=False):
    """A choice of a whole answer; `native_finish_reason` is OpenRouter's."""

    index: int | None = None
    message: WireMessage | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None


class WireChunkChoice(msgspec.Struct, frozen=True, gc=False):
    """A choice of a chunk."""

    index: int | None = None
    delta: WireMessage | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None


class WireHead(msgspec.Struct, frozen=True, gc=False):
    """What whole answers and chunks share. A truthy `error` makes it a refusal, whatever else is there."""

    id: str | None = None
    object: str | None = None
    created: int | float | None = None
    model: str | None = None
    usage: WireUsage | None = None
    error: Any = None


class WireAnswer(WireHead, frozen=True, gc=False):
    """The body of a whole answer."""

    choices: list[WireChoice] | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None


class WireChunk(WireHead, frozen=True, gc=False):
    """The data of one event of a stream."""

    choices: list[WireChunkChoice] | None = None
