"""The tool calls of one choice of a stream, put in order."""

from memoryos_adapters.llm.openai.quirks import Mender, extra_content
from memoryos_adapters.llm.openai.wire import WireToolCall
from memoryos_ports.llm import ToolCallDelta


class ToolCallsInOrder:
    """Numbers calls from 0 without holes and says the id and name of each once, whatever the server repeats or omits.

    Calls of other types than functions are on the wire only, but have numbers of their own there.

    A piece begins a call when its index is new, when it has another id than the call at its index (servers that send
    index 0 for all), or when it has neither index nor id but a name.
    """

    def __init__(self, mender: Mender) -> None:
        self._mender = mender
        self._at: dict[int | None, _OpenCall] = {}
        self._calls: list[_OpenCall] = []

    def pieces(self, wires: list[WireToolCall]) -> tuple[ToolCallDelta, ...]:
        """Return what these add to calls of functions. Raises UpstreamProtocolError for a call without a name."""
        return tuple(piece for wire in wires if (piece := self._piece(wire)) is not None)

    def _piece(self, wire: WireToolCall) -> ToolCallDelta | None:
        call = self._at.get(wire.index)
        if wire.is_of_other_type:
            self._pass_by(wire, call)
            return None
        if call is None or self._begins_another(wire, call):
            return self._begin(wire)
        arguments = self._mender.arguments(wire)
        self._mender.mended |= wire.index != call.index or wire.id is not None or wire.function.name is not None
        call.has_arguments |= arguments != ""
        return ToolCallDelta(index=call.index, arguments=arguments, extra_content=extra_content(wire))

    def endings(self) -> tuple[ToolCallDelta, ...]:
        """Return the arguments ``{}`` for every call that came to its end without any."""
        bare = tuple(ToolCallDelta(index=call.index, arguments="{}") for call in self._calls if not call.has_arguments)
        self._mender.mended |= bool(bare)
        return bare

    def _begins_another(self, wire: WireToolCall, call: "_OpenCall") -> bool:
        if wire.id:
            return wire.id != call.native_id
        return wire.index is None and bool(wire.function.name)

    def _pass_by(self, wire: WireToolCall, call: "_OpenCall | None") -> None:
        if call is None or self._begins_another(wire, call):
            self._at[wire.index] = other = _OpenCall(len(self._calls), wire.id, wire.id or "")
            other.has_arguments = True  # of another kind
            self._calls.append(other)

    def _begin(self, wire: WireToolCall) -> ToolCallDelta:
        call = _OpenCall(len(self._calls), wire.id, self._mender.new_call_id(wire, taken={c.id for c in self._calls}))
        arguments = self._mender.arguments(wire)
        call.has_arguments = arguments != ""
        self._mender.mended |= wire.index != call.index
        self._at[wire.index] = call
        self._calls.append(call)
        return ToolCallDelta(
            index=call.index,
            id=call.id,
            name=self._mender.called_name(wire),
            arguments=arguments,
            extra_content=extra_content(wire),
        )


class _OpenCall:
    __slots__ = ("has_arguments", "id", "index", "native_id")

    def __init__(self, index: int, native_id: str | None, call_id: str) -> None:
        self.index, self.native_id, self.id = index, native_id, call_id
        self.has_arguments = False
