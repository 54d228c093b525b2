"""What is known of conversations: which user turns are remembered, in which session, with which answers."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from memoryos_core.chat.chain import START
from memoryos_core.chat.known_turns import Exchange, KnownConversation, KnownTurn, Said, ToolLoop
from memoryos_ports.documents import Change, Document, DocumentKey, DocumentStore
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.events import ChainLink, TurnsEvent
from memoryos_ports.ids import MemoryId, Scope, SessionId, page_id

TURN_KIND = "turn"
CHAIN_KIND = "chain"
SESSION_KIND = "session"
EXCHANGES_KEPT = 32
"""How many of a turn's exchanges its document names: what came before them is superseded long since."""

SAID_KEPT = 2 * EXCHANGES_KEPT
"""How many of a turn's pages its document names: the first, which is the user's, and the latest."""

_AT_ONCE = 500


class _Latest(msgspec.Struct, frozen=True, order=True):
    """A value that the latest event decides, so that the order of application does not matter."""

    accepted_at: datetime
    value: str


_Body = TypeVar("_Body")
_Merge: TypeAlias = Callable[[_Body | None], _Body]
_TurnStep: TypeAlias = Callable[[KnownTurn], KnownTurn]

_turn_decoder = msgspec.json.Decoder(KnownTurn)
_latest_decoder = msgspec.json.Decoder(_Latest)


class _Noted(Protocol):
    @property
    def body(self) -> bytes: ...


class Notes(Protocol):
    """As much of a document store as the chains of conversations need."""

    async def get(self, scope: Scope, kind: str, ids: Sequence[str]) -> Mapping[str, _Noted]:
        """Return those of the notes that exist, by id."""
        ...

    async def update(self, scope: Scope, changes: Mapping[DocumentKey, Change]) -> None:
        """Replace notes by what these changes make of them."""
        ...


class Chains:
    """Reads and records, over notes, what the chain of a conversation says about memory."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    async def find(self, scope: Scope, hashes: Sequence[str], session_id: SessionId | None) -> KnownConversation:
        """Return what is remembered of these user turns (chain hashes, in order).

        Without `session_id` the session is the one that holds the longest known prefix of the chain.
        """
        session = session_id or await self._session_of(scope, hashes)
        if session is None:
            return KnownConversation(session_id=None)
        keys = {_turn_key(session, hash_): hash_ for hash_ in hashes}
        found = await self._notes.get(scope, TURN_KIND, list(keys))
        turns = {keys[key]: _decode(_turn_decoder, document.body) for key, document in found.items()}
        return KnownConversation(session_id=session, turns=turns)

    async def head(self, scope: Scope, session_id: SessionId) -> str:
        """Return the chain's hash at the newest turn of a session, START for an unknown session."""
        found = await self._notes.get(scope, SESSION_KIND, [session_id])
        return _decode(_latest_decoder, found[session_id].body).value if found else START

    async def record(
        self, event: TurnsEvent, said: Mapping[str, Sequence[Said]] | None = None
    ) -> dict[str, tuple[Said, ...]]:
        """Note what an exchange makes known. Idempotent, and the same whatever the order of the events.

        `said` are its pages by turn (chain hashes), once it is applied. Return all that is said then of its turns.
        """
        chain, session_id = event.chain, event.session_id
        if chain is None or session_id is None:
            return {}
        answers, said, heard = _answers_by_turn(event, chain), said or {}, dict[str, tuple[Said, ...]]()
        exchange = Exchange(event_id=event.event_id, accepted_at=event.accepted_at, answers=answers[chain.hash])
        merges = {passed: _passing(answers[passed]) for passed in chain.passed}
        merges[chain.hash] = _adding(exchange)
        changes: dict[DocumentKey, Change] = {(SESSION_KIND, session_id): _latest(event.accepted_at, chain.hash)}
        for hash_, merge in merges.items():
            telling = _telling(hash_, said.get(hash_, ()), heard)
            steps = (merge, _marking(sensitive=event.sensitive), telling)
            changes[TURN_KIND, _turn_key(session_id, hash_)] = _turn_change(*steps)
            changes[CHAIN_KIND, hash_] = _latest(event.accepted_at, session_id)
        await self._notes.update(event.scope, changes)
        return heard

    async def keep_loop(self, scope: Scope, session_id: SessionId, hash_: str, loop: ToolLoop) -> None:
        """Keep the tool loop that the newest answer to a user turn opened or went on with."""
        await self._notes.update(scope, {(TURN_KIND, _turn_key(session_id, hash_)): _turn_change(_looping(loop))})

    async def _session_of(self, scope: Scope, hashes: Sequence[str]) -> SessionId | None:
        found = await self._notes.get(scope, CHAIN_KIND, hashes)
        longest = next((hash_ for hash_ in reversed(hashes) if hash_ in found), None)
        return SessionId(_decode(_latest_decoder, found[longest].body).value) if longest else None


class Conversations(Chains):
    """The chains of conversations in the document store, where they can be forgotten as well."""

    def __init__(self, documents: DocumentStore) -> None:
        super().__init__(documents)
        self._documents = documents

    async def forget(self, scope: Scope, session_id: SessionId) -> int:
        """Forget all that is known of a session's conversation; return how many documents went."""
        gone = await self._documents.delete(scope, SESSION_KIND, [session_id])
        for kind in (TURN_KIND, CHAIN_KIND):
            async for documents in self._stretches(scope, kind):
                ids = [document.id for document in documents if _is_of(document, session_id)]
                gone += await self._documents.delete(scope, kind, ids) if ids else 0
        return gone

    async def _stretches(self, scope: Scope, kind: str) -> AsyncIterator[list[Document]]:
        after = None
        while documents := await self._documents.list_documents(scope, kind, limit=_AT_ONCE, after=after):
            yield documents
            after = documents[-1].id


def check_conversation(kind: str, body: bytes) -> None:
    """Raise msgspec's errors unless a document of this kind could have this body."""
    if kind == TURN_KIND:
        _turn_decoder.decode(body)
    elif kind in (CHAIN_KIND, SESSION_KIND):
        _latest_decoder.decode(body)


def _decode(decoder: msgspec.json.Decoder[_Body], body: bytes) -> _Body:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as exc:
        raise UpstreamProtocolError(upstream="documents", detail="a document that cannot be read") from exc


def _change(decoder: msgspec.json.Decoder[_Body], merge: _Merge[_Body]) -> Change:
    def change(body: bytes | None) -> bytes:
        before = None if body is None else _decode(decoder, body)
        after = merge(before)
        return body if body is not None and after == before else msgspec.json.encode(after)

    return change


def _turn_key(session_id: SessionId, hash_: str) -> str:
    return f"{hash_}:{session_id}"  # the hash has a fixed length, so that no two pairs share a key


def _is_of(document: Document, session_id: SessionId) -> bool:
    if document.kind == TURN_KIND:
        return document.id.partition(":")[2] == session_id
    return _decode(_latest_decoder, document.body).value == session_id


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


def _turn_change(*steps: _TurnStep) -> Change:
    return _change(_turn_decoder, lambda turn: reduce(lambda known, step: step(known), steps, turn or KnownTurn()))


def _passing(answers: tuple[MemoryId, ...]) -> _TurnStep:
    return lambda turn: msgspec.structs.replace(turn, history=_union(turn.history, answers))


def _looping(loop: ToolLoop) -> _TurnStep:
    return lambda turn: msgspec.structs.replace(turn, loop=loop)


def _adding(exchange: Exchange) -> _TurnStep:
    def add(turn: KnownTurn) -> KnownTurn:
        if any(known.event_id == exchange.event_id for known in turn.exchanges):
            return turn
        ordered = sorted((*turn.exchanges, exchange), key=lambda e: (e.accepted_at, e.event_id))
        return msgspec.structs.replace(turn, stored=turn.stored + 1, exchanges=tuple(ordered[-EXCHANGES_KEPT:]))

    return add


def _marking(*, sensitive: bool) -> _TurnStep:
    return lambda turn: msgspec.structs.replace(turn, sensitive=turn.sensitive or sensitive)


def _telling(hash_: str, said: Sequence[Said], heard: dict[str, tuple[Said, ...]]) -> _TurnStep:
    def tell(turn: KnownTurn) -> KnownTurn:
        heard[hash_] = tuple(sorted({*turn.said, *said}))
        kept = heard[hash_] if len(heard[hash_]) <= SAID_KEPT else (heard[hash_][0], *heard[hash_][1 - SAID_KEPT :])
        return msgspec.structs.replace(turn, said=kept)

    return tell


def _latest(accepted_at: datetime, value: str) -> Change:
    def merge(known: _Latest | None) -> _Latest:
        mine = _Latest(accepted_at, value)
        return mine if known is None else max(known, mine)

    return _change(_latest_decoder, merge)


def _union(known: Iterable[MemoryId], new: Iterable[MemoryId]) -> tuple[MemoryId, ...]:
    return tuple(sorted({*known, *new}))
