"""The hash chain over the user turns of a conversation: it names each turn, whatever clients do to the rest."""

from collections.abc import Sequence

import msgspec

from memoryos_core.chat.messages import normalised, remembered_text
from memoryos_ports.ids import digest
from memoryos_ports.llm import Message

START = ""


class UserTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A user message with text: where it stands among the messages, and the chain up to and including it."""

    position: int
    hash: str


def link(previous: str, text: str) -> str:
    """Return the chain's hash (32 hex digits) after one more user turn; `previous` is START for the first."""
    return digest("chain", previous, normalised(text))[:16].hex()


def user_turns(messages: Sequence[Message], *, start: str = START) -> tuple[UserTurn, ...]:
    """Return the user turns of a conversation in order, chained from `start`; messages without text are no turns."""
    turns: list[UserTurn] = []
    previous = start
    for position, message in enumerate(messages):
        if message.role == "user" and (text := remembered_text(message)):
            previous = link(previous, text)
            turns.append(UserTurn(position=position, hash=previous))
    return tuple(turns)
