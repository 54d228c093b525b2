"""Tool calls of other types than functions: only the OpenAI dialect has words for them, on the wire (E7)."""

from collections.abc import Iterable

import msgspec

from memoryos_adapters.llm.chat_params import unsupported
from memoryos_ports.llm import Message


class _Call(msgspec.Struct, frozen=True):
    type: str = "function"


class _Answer(msgspec.Struct, frozen=True):
    tool_calls: list[_Call] | None = None


_DECODER = msgspec.json.Decoder(_Answer)


def check_functions_only(messages: Iterable[Message]) -> None:
    """Raise InvalidInput (``unsupported_value``) for the first call among these messages that is none of a function."""
    for place, message in enumerate(messages):
        for number, type_ in enumerate(_types_of(message)):
            if type_ != "function":
                path = f"messages[{place}].tool_calls[{number}].type"
                raise unsupported(path, f"calls of type {type_!r} are not supported by this provider")


def _types_of(message: Message) -> list[str]:
    if message.role != "assistant" or message.wire is None or b'"tool_calls"' not in bytes(message.wire):
        return []
    try:
        return [call.type for call in _DECODER.decode(message.wire).tool_calls or ()]
    except (msgspec.MsgspecError, RecursionError):
        return []  # what the gateway understood of the message is in its other fields
