"""Turns as Anthropic wants them: they alternate, none is empty, results come first (AN2, AN5, AN11)."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from memoryos_adapters.llm.anthropic.blocks import Block, TextBlock, ToolResultBlock, ToolUseBlock

_Role = Literal["user", "assistant"]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What one side says until the other does."""

    role: _Role
    content: tuple[Block, ...]


class Turns:
    """The turns of one conversation, filled in order."""

    def __init__(self) -> None:
        self.items: list[Turn] = []

    def say(self, role: _Role, blocks: Sequence[Block]) -> None:
        """Add what a side says to its turn, a new one when the other side had the last word."""
        if not blocks:
            return
        if self.items and self.items[-1].role == role:
            blocks = (*self.items.pop().content, *blocks)
        if role == "user":
            blocks = sorted(blocks, key=lambda block: not isinstance(block, ToolResultBlock))
        self.items.append(Turn(role=role, content=tuple(blocks)))

    def end(self, *, prefill: bool) -> bool:
        """See to an answer at the end: the model goes on with it, or it is left out. Return whether all is said."""
        if not self.items or self.items[-1].role == "user":
            return True
        last = self.items.pop()
        if prefill:
            self.items.append(_without_trailing_space(last))
        return prefill

    @property
    def lost_thoughts(self) -> bool:
        """Whether the last answer asked for tools and the thoughts before that are not there."""
        last = next((turn.content for turn in reversed(self.items) if turn.role == "assistant"), ())
        return any(isinstance(block, ToolUseBlock) for block in last) and not isinstance(last[0], msgspec.Raw)


def _without_trailing_space(turn: Turn) -> Turn:
    *others, last = turn.content
    if isinstance(last, TextBlock):
        last = msgspec.structs.replace(last, text=last.text.rstrip())
    return Turn(role=turn.role, content=(*others, last))
