"""A conversation as Gemini has it: a system instruction, and turns of user and model (wire contract: GE3, GE4, GE5)."""

import msgspec

from memoryos_adapters.llm.chat_params import unsupported
from memoryos_adapters.llm.functions_only import check_functions_only
from memoryos_adapters.llm.gemini.model import GeminiModel
from memoryos_adapters.llm.gemini.parts import read_parts, read_texts
from memoryos_adapters.llm.gemini.signatures import SKIP, Signatures, signature_in
from memoryos_adapters.llm.gemini.wire import Content, FunctionCall, FunctionResponse, Part
from memoryos_adapters.llm.legacy_call import legacy_call
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatRequest, Message, ToolCall

_SILENCE = " "  # the turn of a user who said nothing; an empty text is refused


class _SentCall(msgspec.Struct, frozen=True):
    id: str | None = None
    extra_content: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Sent(msgspec.Struct, frozen=True):
    """What a client's message says beyond the fields of `Message`."""

    tool_calls: list[_SentCall] | None = None
    extra_content: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    is_error: bool | None = None


_NOTHING_SENT = _Sent()
_SENT = msgspec.json.Decoder(_Sent)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Conversation:
    """The turns of one request. `system` is None when nobody instructs the model."""

    def __init__(self, request: ChatRequest, model: GeminiModel, signatures: Signatures) -> None:
        """Raises InvalidInput that names the message which cannot be said."""
        self._owner, self._model, self._signatures = request.owner, model, signatures
        self._turns: list[tuple[str, list[Part]]] = []
        self._instructions: list[Part] = []
        self._called: dict[str, str] = {}
        check_functions_only(request.messages)
        for place, message in enumerate(request.messages):
            self._add(message, f"messages[{place}]")
        if not self._turns or self._turns[0][0] != "user":
            self._turns.insert(0, ("user", [Part(text=_SILENCE)]))

    @property
    def system(self) -> Content | None:
        """All instructions, in the order of the messages."""
        return Content(role="user", parts=self._instructions) if self._instructions else None

    @property
    def contents(self) -> list[Content]:
        """The turns; no two of one role follow each other, and the first is the user's."""
        return [Content(role=role, parts=parts) for role, parts in self._turns]

    def _add(self, message: Message, param: str) -> None:
        match message.role:
            case "system" | "developer":
                self._instructions += read_texts(message.content, param=f"{param}.content")
            case "user":
                self._say("user", read_parts(message.content, param=f"{param}.content"))
            case "assistant":
                self._say("model", self._answered(message, param))
            case "tool" | "function":
                self._say("user", self._returned(message, param))
            case other:
                raise unsupported(f"{param}.role", f"the role {other!r} is not supported here")

    def _say(self, role: str, parts: list[Part]) -> None:
        if parts and self._turns and self._turns[-1][0] == role:
            self._turns[-1][1].extend(parts)
        elif parts:
            self._turns.append((role, parts))

    def _answered(self, message: Message, param: str) -> list[Part]:
        sent = _sent(message)
        texts = read_texts(message.content, param=f"{param}.content")
        if texts and (signature := signature_in(sent.extra_content)) is not None:
            texts[-1] = msgspec.structs.replace(texts[-1], thought_signature=signature)
        calls = [self._call(call, sent, f"{param}.tool_calls[{at}]") for at, call in enumerate(message.tool_calls)]
        if (call_of_old := legacy_call(message, param)) is not None:
            calls.append(_part_of(call_of_old, f"{param}.function_call"))
        if calls and calls[0].thought_signature is None and self._model.wants_signatures:
            calls[0] = msgspec.structs.replace(calls[0], thought_signature=SKIP)  # the first stands for its parallels
        return texts + calls

    def _call(self, call: ToolCall, sent: _Sent, param: str) -> Part:
        self._called[call.id] = call.name
        part = _part_of(call, f"{param}.function")
        signature = _sent_signature(call, sent) or self._signatures.find(self._owner, call)
        return msgspec.structs.replace(part, thought_signature=signature)

    def _returned(self, message: Message, param: str) -> list[Part]:
        """A result needs the name of its function, which OpenAI's does not have; images stand beside it."""
        call_id = message.tool_call_id
        name = self._called.get(call_id or "") if message.role == "tool" else message.name
        if name is None:
            raise InvalidInput(f"{param}: there is no tool call with this id before it", param=f"{param}.tool_call_id")
        parts = read_parts(message.content, param=f"{param}.content")
        text = "".join(part.text or "" for part in parts)
        response = _response(text, is_error=_sent(message).is_error is True)
        result = Part(function_response=FunctionResponse(id=call_id, name=name, response=response))
        return [result, *(part for part in parts if part.text is None)]


def _part_of(call: ToolCall, param: str) -> Part:
    args = _read_object(call.arguments or "{}", param=f"{param}.arguments")
    return Part(function_call=FunctionCall(id=call.id or None, name=call.name, args=args))


def _response(text: str, *, is_error: bool) -> msgspec.Raw:
    """A result that is a JSON object goes as it is: by its field `error` Gemini knows that the function failed."""
    if is_error:
        return _wrapped("error", text)
    try:
        _OBJECT.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return _wrapped("output", text)
    return msgspec.Raw(text.encode())


def _wrapped(key: str, text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode({key: text}))


def _read_object(text: str, *, param: str) -> msgspec.Raw:
    try:
        _OBJECT.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as exc:
        raise InvalidInput(f"{param}: not a JSON object", param=param) from exc
    return msgspec.Raw(text.encode())


def _sent(message: Message) -> _Sent:
    try:
        return _NOTHING_SENT if message.wire is None else _SENT.decode(message.wire)
    except (msgspec.MsgspecError, RecursionError):
        return _NOTHING_SENT  # what the gateway understood of the message is in its other fields


def _sent_signature(call: ToolCall, sent: _Sent) -> str | None:
    if call.extra_content is not None:
        return signature_in(call.extra_content)
    return next((signature_in(twin.extra_content) for twin in sent.tool_calls or () if twin.id == call.id), None)
