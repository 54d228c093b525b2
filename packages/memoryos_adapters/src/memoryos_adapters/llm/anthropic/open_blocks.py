"""The content blocks of a streamed answer, put together from their events (wire contract: AN12, AN16-AN18)."""

from typing import Protocol

import msgspec

from memoryos_adapters.llm.anthropic.format import ANSWER_TOOL
from memoryos_adapters.llm.anthropic.wire import WireBlock, WireDelta, arguments_of, read_block
from memoryos_ports.llm import ChoiceDelta, ToolCall, ToolCallDelta


class OpenBlocks:
    """What each event of a block adds to the answer. Calls are numbered by themselves, not as blocks are.

    `by_tool` says that a call of `ANSWER_TOOL` is the answer's text. `thoughts` are the signed blocks that came, whole
    and as they were, `calls` those of the client's tools that ended. Blocks of other types say nothing.
    """

    def __init__(self, *, by_tool: bool, upstream: str) -> None:
        self._by_tool, self._upstream = by_tool, upstream
        self._open: dict[int, _OpenBlock] = {}
        self._begun_calls = 0
        self.calls: list[ToolCall] = []
        self.thoughts: list[msgspec.Raw] = []

    def start(self, index: int, raw: msgspec.Raw) -> ChoiceDelta | None:
        """Return what the beginning of a block says."""
        block = read_block(raw, upstream=self._upstream)
        match block.type:
            case "text":
                opened: _OpenBlock = _OpenText(block)
            case "thinking" | "redacted_thinking":
                opened = _OpenThought(block, raw, self.thoughts)
            case "tool_use" if self._by_tool and block.name == ANSWER_TOOL:
                opened = _OpenAnswer(block)
            case "tool_use":
                opened = _OpenCall(block, self._begun_calls, self.calls)
                self._begun_calls += 1
            case _:
                return None
        self._open[index] = opened
        return opened.begin()

    def add(self, index: int, delta: WireDelta) -> ChoiceDelta | None:
        """Return what a piece of a block says."""
        block = self._open.get(index)
        return None if block is None else block.add(delta)

    def stop(self, index: int) -> ChoiceDelta | None:
        """Return what the end of a block says."""
        block = self._open.pop(index, None)
        return None if block is None else block.end()

    def left_open(self) -> list[int]:
        """Return the blocks whose end was not said."""
        return list(self._open)


class _OpenBlock(Protocol):
    def begin(self) -> ChoiceDelta | None: ...
    def add(self, delta: WireDelta) -> ChoiceDelta | None: ...
    def end(self) -> ChoiceDelta | None: ...


class _OpenText:
    def __init__(self, block: WireBlock) -> None:
        self._block = block

    def begin(self) -> ChoiceDelta | None:
        return _text(self._block.text)

    def add(self, delta: WireDelta) -> ChoiceDelta | None:
        return _text(delta.text)

    def end(self) -> ChoiceDelta | None:
        return None


class _OpenThought:
    """A thought is shown as it comes and kept with its signature, which comes last."""

    def __init__(self, block: WireBlock, raw: msgspec.Raw, thoughts: list[msgspec.Raw]) -> None:
        self._block, self._raw, self._thoughts = block, raw, thoughts
        self._thinking, self._signature = [block.thinking], [block.signature]

    def begin(self) -> ChoiceDelta | None:
        return _reasoning(self._block.thinking)

    def add(self, delta: WireDelta) -> ChoiceDelta | None:
        self._thinking.append(delta.thinking)
        self._signature.append(delta.signature)
        return _reasoning(delta.thinking)

    def end(self) -> ChoiceDelta | None:
        self._thoughts.append(self._raw.copy() if self._block.type == "redacted_thinking" else self._whole())
        return None

    def _whole(self) -> msgspec.Raw:
        fields = msgspec.json.decode(self._raw, type=dict[str, msgspec.Raw])
        whole = {**fields, "thinking": "".join(self._thinking), "signature": "".join(self._signature)}
        return msgspec.Raw(msgspec.json.encode(whole))


class _OpenCall:
    """A call of the client's tool; one without any piece of input has it with its beginning, if it has any."""

    def __init__(self, block: WireBlock, number: int, calls: list[ToolCall]) -> None:
        self._block, self._number, self._calls = block, number, calls
        self._pieces: list[str] = []

    def begin(self) -> ChoiceDelta | None:
        return self._say(ToolCallDelta(index=self._number, id=self._block.id, name=self._block.name))

    def add(self, delta: WireDelta) -> ChoiceDelta | None:
        if not delta.partial_json:
            return None
        self._pieces.append(delta.partial_json)
        return self._say(ToolCallDelta(index=self._number, arguments=delta.partial_json))

    def end(self) -> ChoiceDelta | None:
        arguments = "".join(self._pieces) or arguments_of(self._block)
        self._calls.append(ToolCall(id=self._block.id, name=self._block.name, arguments=arguments))
        return None if self._pieces else self._say(ToolCallDelta(index=self._number, arguments=arguments))

    def _say(self, delta: ToolCallDelta) -> ChoiceDelta:
        return ChoiceDelta(index=0, tool_calls=(delta,))


class _OpenAnswer:
    """The call whose input is the answer."""

    def __init__(self, block: WireBlock) -> None:
        self._block = block
        self._has_text = False

    def begin(self) -> ChoiceDelta | None:
        return None

    def add(self, delta: WireDelta) -> ChoiceDelta | None:
        self._has_text |= delta.partial_json != ""
        return _text(delta.partial_json)

    def end(self) -> ChoiceDelta | None:
        return None if self._has_text else _text(arguments_of(self._block))


def _text(text: str) -> ChoiceDelta | None:
    return ChoiceDelta(index=0, content=text) if text else None


def _reasoning(text: str) -> ChoiceDelta | None:
    return ChoiceDelta(index=0, reasoning=text) if text else None
