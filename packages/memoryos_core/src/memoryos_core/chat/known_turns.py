"""What is known of the user turns of a conversation: the answers that are stored, and the tool loop that goes on."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from memoryos_ports.ids import EventId, MemoryId, SessionId


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One stored answer to a user turn; `answers` are its pages (none when the answer was not remembered)."""

    event_id: EventId
    accepted_at: datetime
    answers: tuple[MemoryId, ...] = ()


class ToolLoop(msgspec.Struct, frozen=True, kw_only=True):
    """The tool loop that an answer to a user turn opened.

    `said` is the turn's hash as if it were the first of its conversation: it tells the turn from others when a client
    without history comes back with it. `recalled` are the pages of the block that was put beside the turn: the same
    pages give the same block, byte for byte, and a page that is deleted is in it no longer. `steps` are the events of
    what the model said on the way. `spans` says of which pages only a stretch was quoted, and which.
    """

    said: str
    recalled: tuple[MemoryId, ...] = ()
    steps: tuple[EventId, ...] = ()
    spans: dict[MemoryId, tuple[int, int]] = {}


Standing: TypeAlias = Literal["asked", "answered", "maybe", "copy"]
"""What a page is to a user turn: the turn itself, or an answer, in the exchange that it was said in; or either of them,
come along as history of a later exchange. ``maybe``: said in an outage, of a turn that may be this one of its session.
"""


class Said(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A page that says something of a user turn, accepted `at`. `words` are equal where speaker and text are."""

    at: datetime
    page: MemoryId
    words: str
    standing: Standing


class KnownTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A user turn that is remembered in a session.

    `stored` counts the exchanges stored under its hash, `exchanges` are the latest of them, oldest first; `history` are
    pages of the answers that came along as history of a first contact. `loop` is the latest tool loop that an answer
    opened. `sensitive` says that an exchange about it must stay local, and so must what is built on it. `said` are the
    pages of events that were applied, in the order in which those were accepted.
    """

    stored: int = 0
    exchanges: tuple[Exchange, ...] = ()
    history: tuple[MemoryId, ...] = ()
    loop: ToolLoop | None = None
    sensitive: bool = False
    said: tuple[Said, ...] = ()

    def answers(self, *, beside: Collection[EventId] = ()) -> tuple[MemoryId, ...]:
        """Return every page that answers this turn so far, but those of the events `beside`."""
        competing = (exchange for exchange in self.exchanges if exchange.event_id not in beside)
        return (*self.history, *(page for exchange in competing for page in exchange.answers))


class KnownConversation(msgspec.Struct, frozen=True, kw_only=True):
    """The session a conversation belongs to (None: not known yet), and its remembered turns by hash."""

    session_id: SessionId | None
    turns: dict[str, KnownTurn] = {}
