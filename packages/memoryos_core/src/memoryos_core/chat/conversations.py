"""What is known of conversations: which user turns are remembered, in which session, with which answers."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar
from weakref import WeakValueDictionary

import msgspec

from memoryos_core.chat.chain import START
from memoryos_ports.documents import DocumentStore
from memoryos_ports.errors import VersionConflict
from memoryos_ports.events import ChainLink, TurnsEvent
from memoryos_ports.ids import EventId, MemoryId, Scope, SessionId, page_id

TURN_KIND = "turn"
CHAIN_KIND = "chain"
SESSION_KIND = "session"
EXCHANGES_KEPT = 32
"""How many of a turn's exchanges its document names: what came before them is superseded long since."""

_WRITE_TRIES = 8


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One stored answer to a user turn; `answers` are its pages (none when the answer was not remembered)."""

    event_id: EventId
    accepted_at: datetime
    answers: tuple[MemoryId, ...] = ()


class ToolLoop(msgspec.Struct, frozen=True, kw_only=True):
    """The tool loop that an answer to a user turn opened.

    `said` is the turn's hash as if it were the first of its conversation: it tells the turn from others when a client
    without history comes back with it. `block` is what was recalled for the turn ("" for nothing); `steps` are the
    events of what the model said on the way.
    """

    said: str
    block: str
    steps: tuple[EventId, ...] = ()


class KnownTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A user turn that is remembered in a session.

    `stored` counts the exchanges stored under its hash, `exchanges` are the latest of them, oldest first; `history` are
    pages of the answers that came along as history of a first contact. `loop` is the latest tool loop that an answer
    opened.
    """

    stored: int = 0
    exchanges: tuple[Exchange, ...] = ()
    history: tuple[MemoryId, ...] = ()
    loop: ToolLoop | None = None

    def answers(self, *, beside: Collection[EventId] = ()) -> tuple[MemoryId, ...]:
        """Return every page that answers this turn so far, but those of the events `beside`."""
        competing = (exchange for exchange in self.exchanges if exchange.event_id not in beside)
        return (*self.history, *(page for exchange in competing for page in exchange.answers))


class KnownConversation(msgspec.Struct, frozen=True, kw_only=True):
    """The session a conversation belongs to (None: not known yet), and its remembered turns by hash."""

    session_id: SessionId | None
    turns: dict[str, KnownTurn] = {}


class _Latest(msgspec.Struct, frozen=True, order=True):
    """A value that the latest event decides, so that the order of application does not matter."""

    accepted_at: datetime
    value: str


_Body = TypeVar("_Body")
_Merge: TypeAlias = Callable[[_Body | None], _Body]

_turn_decoder = msgspec.json.Decoder(KnownTurn)
_latest_decoder = msgspec.json.Decoder(_Latest)


class Conversations:
    """Reads and records, over the document store, what the chain of a conversation says about memory."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents
        self._locks: WeakValueDictionary[tuple[Scope, str, str], asyncio.Lock] = WeakValueDictionary()

    async def find(self, scope: Scope, hashes: Sequence[str], session_id: SessionId | None) -> KnownConversation:
        """Return what is remembered of these user turns (chain hashes, in order).

        Without `session_id` the session is the one that holds the longest known prefix of the chain.
        """
        session = session_id or await self._session_of(scope, hashes)
        if session is None:
            return KnownConversation(session_id=None)
        keys = {_turn_key(session, hash_): hash_ for hash_ in hashes}
        found = await self._documents.get(scope, TURN_KIND, list(keys))
        turns = {keys[key]: _turn_decoder.decode(document.body) for key, document in found.items()}
        return KnownConversation(session_id=session, turns=turns)

    async def head(self, scope: Scope, session_id: SessionId) -> str:
        """Return the chain's hash at the newest turn of a session, START for an unknown session."""
        found = await self._documents.get(scope, SESSION_KIND, [session_id])
        return _latest_decoder.decode(found[session_id].body).value if found else START

    async def record(self, event: TurnsEvent) -> None:
        """Note what an exchange makes known. Idempotent, and the same whatever the order of the events."""
        chain, session_id = event.chain, event.session_id
        if chain is None or session_id is None:
            return
        answers = _answers_by_turn(event, chain)
        exchange = Exchange(event_id=event.event_id, accepted_at=event.accepted_at, answers=answers[chain.hash])
        write = self._update
        await asyncio.gather(
            *(
                write(event.scope, TURN_KIND, _turn_key(session_id, passed), _turn_decoder, _passing(answers[passed]))
                for passed in chain.passed
            ),
            write(event.scope, TURN_KIND, _turn_key(session_id, chain.hash), _turn_decoder, _adding(exchange)),
            *(
                write(event.scope, CHAIN_KIND, hash_, _latest_decoder, _latest(event.accepted_at, session_id))
                for hash_ in (*chain.passed, chain.hash)
            ),
            write(event.scope, SESSION_KIND, session_id, _latest_decoder, _latest(event.accepted_at, chain.hash)),
        )

    async def keep_loop(self, scope: Scope, session_id: SessionId, hash_: str, loop: ToolLoop) -> None:
        """Keep the tool loop that the newest answer to a user turn opened or went on with."""
        await self._update(scope, TURN_KIND, _turn_key(session_id, hash_), _turn_decoder, _looping(loop))

    async def _session_of(self, scope: Scope, hashes: Sequence[str]) -> SessionId | None:
        found = await self._documents.get(scope, CHAIN_KIND, hashes)
        longest = next((hash_ for hash_ in reversed(hashes) if hash_ in found), None)
        return SessionId(_latest_decoder.decode(found[longest].body).value) if longest else None

    async def _update(
        self, scope: Scope, kind: str, id_: str, decoder: msgspec.json.Decoder[_Body], merge: _Merge[_Body]
    ) -> None:
        # writers of this process take turns, so that only other processes use up the tries
        async with self._locks.setdefault((scope, kind, id_), asyncio.Lock()):
            for _ in range(_WRITE_TRIES):
                document = (await self._documents.get(scope, kind, [id_])).get(id_)
                before = decoder.decode(document.body) if document else None
                after = merge(before)
                if after == before:
                    return
                version = document.version if document else 0
                try:
                    await self._documents.put(scope, kind, id_, msgspec.json.encode(after), expected_version=version)
                except VersionConflict:
                    continue
                return
            raise VersionConflict(kind=kind, identifier=id_, expected=version, found=version + 1)


def _turn_key(session_id: SessionId, hash_: str) -> str:
    return f"{hash_}:{session_id}"  # the hash has a fixed length, so that no two pairs share a key


def _answers_by_turn(event: TurnsEvent, chain: ChainLink) -> dict[str, tuple[MemoryId, ...]]:
    hashes = (*chain.passed, chain.hash)
    answers: dict[str, tuple[MemoryId, ...]] = dict.fromkeys(hashes, ())
    asked = any(message.role == "user" for message in event.messages)
    current = None if asked else chain.hash
    upcoming = iter(hashes)
    for index, message in enumerate(event.messages):
        if message.role == "user":
            current = next(upcoming, chain.hash)
        elif current is not None:
            answers[current] = (*answers[current], page_id(event.scope, event.event_id, index))
    return answers


def _passing(answers: tuple[MemoryId, ...]) -> _Merge[KnownTurn]:
    def merge(turn: KnownTurn | None) -> KnownTurn:
        turn = turn or KnownTurn()
        return msgspec.structs.replace(turn, history=_union(turn.history, answers))

    return merge


def _looping(loop: ToolLoop) -> _Merge[KnownTurn]:
    return lambda turn: msgspec.structs.replace(turn or KnownTurn(), loop=loop)


def _adding(exchange: Exchange) -> _Merge[KnownTurn]:
    def merge(turn: KnownTurn | None) -> KnownTurn:
        turn = turn or KnownTurn()
        if any(known.event_id == exchange.event_id for known in turn.exchanges):
            return turn
        ordered = sorted((*turn.exchanges, exchange), key=lambda e: (e.accepted_at, e.event_id))
        return msgspec.structs.replace(turn, stored=turn.stored + 1, exchanges=tuple(ordered[-EXCHANGES_KEPT:]))

    return merge


def _latest(accepted_at: datetime, value: str) -> _Merge[_Latest]:
    def merge(known: _Latest | None) -> _Latest:
        mine = _Latest(accepted_at, value)
        return mine if known is None else max(known, mine)

    return merge


def _union(known: Iterable[MemoryId], new: Iterable[MemoryId]) -> tuple[MemoryId, ...]:
    return tuple(sorted({*known, *new}))
