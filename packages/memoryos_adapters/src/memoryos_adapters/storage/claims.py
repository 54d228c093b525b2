"""Which pages an insertion brought, which were known, and which event is of another content, as read back."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from memoryos_adapters.storage.payload import content_of
from memoryos_adapters.storage.requests import Payload, Plan, Retrieve, ask
from memoryos_ports.ids import MemoryId, page_id, scope_key
from memoryos_ports.memory import IndexEntry, Page, only_pages

_FIELDS = ("scope", "claim", "content_hash", "chunks", "unfinished")
_FOREIGN: Payload = {}


class Held(NamedTuple):
    """A page that is in the index under a claim, but for its further chunks."""

    entry: IndexEntry
    claim: str


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the pages of an insertion.

    `known` were there before, or are of an event that another content holds; of these `unwanted` came in all the same.
    `contested` are, or were a moment ago, held by another content though their event is not. `unfinished` lack chunks.
    """

    known: set[MemoryId] = msgspec.field(default_factory=set)
    unwanted: list[IndexEntry] = msgspec.field(default_factory=list)
    contested: list[IndexEntry] = msgspec.field(default_factory=list)
    unfinished: list[Held] = msgspec.field(default_factory=list)


def read_claims(entries: Sequence[IndexEntry], claim: str) -> Plan[Claims]:
    """Return what became of pages, each of which was written under `claim` where there was none."""
    ids = dict.fromkeys([*(entry.memory.id for entry in entries), *_first_pages(entries)])
    states = yield from ask(Retrieve(ids=[*ids], fields=_FIELDS))
    claims = Claims()
    for event in _events_of(entries):
        _Event(event, states, claim).judge(claims)
    return claims


class _Event:
    """Pages of one event with one content, and what the index holds under their ids."""

    def __init__(self, entries: Sequence[IndexEntry], states: Mapping[str, Payload], claim: str) -> None:
        self._entries, self._states, self._claim = entries, states, claim
        self._content = content_of(entries[0].memory)

    def judge(self, claims: Claims) -> None:
        """Note what became of each page; of an event that is gone altogether nothing, as it was erased since."""
        holder = self._holder()
        if self._is_anothers(holder):
            claims.known.update(entry.memory.id for entry in self._entries)
            claims.unwanted.extend(entry for entry in self._entries if self._told_at(entry) == self._content)
            return
        for entry in self._entries:
            if (state := self._state(entry)) is not None:
                self._judge_page(entry, state, claims)
            elif holder is not None:  # another content was here, and has just made room
                self._contest(entry, claims)

    def _judge_page(self, entry: IndexEntry, state: Payload, claims: Claims) -> None:
        if self._is_anothers(state.get("content_hash")):
            self._contest(entry, claims)
        elif state.get("claim") == self._claim:
            _note_unfinished(Held(entry, self._claim), claims)
        else:
            claims.known.add(entry.memory.id)
            if self._was_cut_short(entry, state):
                _note_unfinished(Held(entry, state["claim"]), claims)

    def _contest(self, entry: IndexEntry, claims: Claims) -> None:
        claims.contested.append(entry)
        _note_unfinished(Held(entry, self._claim), claims)

    def _holder(self) -> str | None:
        """Return the content that the event is of: that of the first of its pages that tells any."""
        first = (self._states.get(id, _FOREIGN).get("content_hash") for id in _first_pages(self._entries))
        ordered = sorted(self._entries, key=lambda entry: entry.memory.index)
        return next(filter(None, (*first, *map(self._told_at, ordered))), None)

    def _told_at(self, entry: IndexEntry) -> str | None:
        return (self._state(entry) or _FOREIGN).get("content_hash")

    def _state(self, entry: IndexEntry) -> Payload | None:
        """Return what the page's point says; one of another scope says nothing."""
        state = self._states.get(entry.memory.id)
        if state is None or state.get("claim") == self._claim:
            return state
        return state if state["scope"] == scope_key(entry.memory.scope) else _FOREIGN

    def _is_anothers(self, content: str | None) -> bool:
        return None not in (content, self._content) and content != self._content

    def _was_cut_short(self, entry: IndexEntry, state: Payload) -> bool:
        is_same = self._content is not None and state.get("content_hash") == self._content
        return is_same and bool(state.get("unfinished")) and state["chunks"] == len(entry.chunks)


def _note_unfinished(held: Held, claims: Claims) -> None:
    if len(held.entry.chunks) > 1:
        claims.unfinished.append(held)


def _events_of(entries: Sequence[IndexEntry]) -> list[list[IndexEntry]]:
    """Return the pages of each event and content; what tells no content stands for itself."""
    events: dict[tuple[object, ...], list[IndexEntry]] = {}
    for entry in entries:
        match entry.memory:
            case Page(content_hash=content, scope=scope, event_id=event_id) if content:
                events.setdefault((scope, event_id, content), []).append(entry)
            case memory:
                events.setdefault((memory.id,), []).append(entry)
    return [*events.values()]


def _first_pages(entries: Sequence[IndexEntry]) -> list[MemoryId]:
    """Return the ids of the first pages of the events of which there are later pages."""
    pages = [page for page in only_pages(entry.memory for entry in entries) if page.index and page.content_hash]
    return [page_id(page.scope, page.event_id, 0) for page in pages]
