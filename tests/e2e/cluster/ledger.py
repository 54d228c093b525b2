"""What clients sent to a cluster and what they were told, kept beside it for the comparison."""

import asyncio
from itertools import count
from typing import Literal, TypeAlias

import httpx
import msgspec

from tests.e2e.cluster.people import Who

Kind: TypeAlias = Literal["add", "named add", "chat", "stream", "talk"]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A write. No two have a text in common. `event_id` None: not acknowledged, so it is there once or not at all."""

    who: Who
    kind: Kind
    texts: tuple[str, ...]
    event_id: str | None


class ChatTaken(msgspec.Struct, frozen=True, kw_only=True):
    """How a chat went: the HTTP status (0: the connection broke), seconds to its end, whether it was acknowledged."""

    status: int
    seconds: float
    is_acknowledged: bool


class Ledger:
    """Everything that these people sent; nobody else speaks for them.

    `surprises` are answers that no client should get, `broken` are requests whose connection broke after it was made,
    and `refused` counts those that a gateway's address refused.
    """

    def __init__(self, people: tuple[Who, ...]) -> None:
        self.people = people
        self.sent: list[Sent] = []
        self.chats: list[ChatTaken] = []
        self.surprises: list[str] = []
        self.broken: list[str] = []
        self.refused = 0
        self.repeated = 0
        self._numbers = count()
        self._news = asyncio.Event()

    @property
    def acknowledged(self) -> int:
        """How many writes were acknowledged."""
        return sum(sent.event_id is not None for sent in self.sent)

    def next_number(self) -> int:
        """Return a number that nobody had before."""
        return next(self._numbers)

    def note(self, who: Who, kind: Kind, texts: tuple[str, ...], event_id: str | None) -> None:
        """Keep a write."""
        self.sent.append(Sent(who=who, kind=kind, texts=texts, event_id=event_id))
        self._news.set()
        self._news = asyncio.Event()

    def note_break(self, exc: httpx.TransportError) -> None:
        """Note that a request got no answer."""
        if isinstance(exc, httpx.ConnectError):
            self.refused += 1
        else:
            self.broken.append(repr(exc))

    async def reached(self, acknowledged: int) -> None:
        """Return once so many writes were acknowledged."""
        while self.acknowledged < acknowledged:
            await self._news.wait()
