"""What messages say that no wire but OpenAI's has a word for (wire contract: X5)."""

from memoryos_ports.llm import Message

_RESULTS = frozenset({"tool", "function"})  # theirs is the name of the function, which is said


def unsaid_fields(messages: tuple[Message, ...]) -> tuple[str, ...]:
    """Return the paths of such fields, each once however many messages have it: who speaks, and an image's detail.

    A detail of ``auto`` asks for nothing.
    """
    has_name = any(message.name for message in messages if message.role not in _RESULTS)
    parts = [part for message in messages if isinstance(message.content, tuple) for part in message.content]
    has_detail = any(part.image_url is not None and part.image_url.detail not in (None, "auto") for part in parts)
    return (*(["messages.name"] if has_name else ()), *(["messages.content.image_url.detail"] if has_detail else ()))
