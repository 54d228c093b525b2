"""The call of a function as OpenAI had it before there were tool calls: ``function_call`` of an assistant's message."""

import msgspec

from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import Message, ToolCall


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str = ""


class _Sent(msgspec.Struct, frozen=True):
    function_call: _Function | None = None


_DECODER = msgspec.json.Decoder(_Sent)


def legacy_call(message: Message, path: str) -> ToolCall | None:
    """Return the call with an empty id (such calls have none), None when there is none.

    `path` is the message's own. Raises InvalidInput for a call that cannot be read: it is not left out silently, since
    its result may follow.
    """
    if message.wire is None:
        return None
    try:
        function = _DECODER.decode(message.wire).function_call
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidInput(f"{path}.function_call: {exc}", param=f"{path}.function_call") from exc
    return None if function is None else ToolCall(id="", name=function.name, arguments=function.arguments)
