"""Whether a prompt fits into the context that Ollama is asked for: older servers cut it without a word (OL2)."""

from collections.abc import Iterator

from memoryos_adapters.llm.estimate import estimate_tokens
from memoryos_ports.errors import UpstreamRejected
from memoryos_ports.llm import ChatRequest, Message

_CLEARLY_ABOVE = 1.5


def estimate_prompt(request: ChatRequest) -> int:
    """Return about how many tokens the prompt is: its texts, tool calls and tools, without images.

    Four ASCII characters count as one token, any other character as one.
    """
    return sum(map(estimate_tokens, _texts(request)))


def check_context(request: ChatRequest, *, num_ctx: int, upstream: str) -> None:
    """Raise UpstreamRejected (context_length_exceeded) for a prompt that is clearly longer than `num_ctx` tokens.

    Clearly means by half: tokenizers make of English up to 6 characters a token, and of Chinese about two tokens of
    three characters, so that a prompt below that may fit. Servers since 0.12.6 count for themselves and refuse, since
    they are asked not to truncate.
    """
    estimate = estimate_prompt(request)
    if estimate > _CLEARLY_ABOVE * num_ctx:
        raise UpstreamRejected(
            upstream=upstream,
            status=400,
            message=f"The prompt has about {estimate} tokens, the context of this model is {num_ctx}.",
            param="messages",
            code="context_length_exceeded",
        )


def _texts(request: ChatRequest) -> Iterator[str]:
    for message in request.messages:
        yield from _texts_of(message)
    if (tools := request.params.get("tools")) is not None:
        yield bytes(tools).decode(errors="replace")


def _texts_of(message: Message) -> Iterator[str]:
    if isinstance(message.content, str):
        yield message.content
    else:
        yield from (part.text or part.refusal or "" for part in message.content or ())
    yield from (call.name + call.arguments for call in message.tool_calls)
