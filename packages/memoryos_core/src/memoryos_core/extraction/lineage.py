"""What a new statement does to the facts that are known: pure, and the same in whatever order statements arrive.

Of each value of a slot three moments are kept: when it was first said, when last, and when it was said to have ended.
Each is a minimum or a maximum, and all validity follows from them, so order is data and not history.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TypeAlias

import msgspec

from memoryos_core.extraction.known import Known
from memoryos_core.extraction.statement import Statement, slot_key
from memoryos_core.extraction.words import content_words, normalise
from memoryos_ports.ids import MemoryId

BEGINNING_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""From when something held of which only the end was told."""

SAME_OVERLAP = 0.8
"""Share of content words (of both together) from which two statements without a slot say the same."""

MAX_SOURCES = 16


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when a fact holds (`valid_to` None: still), when it was last said, and which fact came after it."""

    valid_from: datetime
    confirmed_at: datetime
    valid_to: datetime | None = None
    superseded_by: MemoryId | None = None


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """A known fact that holds up to `valid_to`, for `superseded_by` (None: the fact that is being added) follows it."""

    fact: MemoryId
    valid_to: datetime
    superseded_by: MemoryId | None


class Add(msgspec.Struct, frozen=True, kw_only=True):
    """A new fact of this standing; it may have ended before it was heard of."""

    standing: Standing


class Supersede(msgspec.Struct, frozen=True, kw_only=True):
    """A new fact of this standing, which closes others."""

    standing: Standing
    closed: tuple[Closing, ...]


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """A known fact that was said again, or has ended; `closed` are others that end for it."""

    fact: MemoryId
    standing: Standing
    text: str
    sources: tuple[MemoryId, ...]
    confidence: float
    closed: tuple[Closing, ...] = ()


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing new was said, or a person fixed what is known (`fact`)."""

    fact: MemoryId


Decision: TypeAlias = Add | Update | Supersede | Nothing


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The moments of one value; `end` None: not said to have ended since it was last said."""

    value: str
    first: datetime
    last: datetime
    end: datetime | None
    id: MemoryId | None = None


def decide(new: Statement, existing: Sequence[Known]) -> Decision:
    """Return what to do about a statement, given all known facts of its scope (those of other slots are passed over).

    A value that is known is updated; another value of a slot that takes one supersedes what was said before it, and is
    superseded by what was said after it, whichever arrived first. Of facts without a slot, one that says nearly the
    same is kept. What a person fixed stands as long as it holds; once it has ended it is history, and bars nothing.
    """
    rivals = [fact for fact in existing if _slot_of(fact) == _slot_of(new) and not _is_history(fact)]
    same = next((fact for fact in rivals if _says_the_same(new, fact)), None)
    fixed = next((fact for fact in rivals if fact.pinned and (fact is same or new.is_alone)), None)
    if fixed:
        return Nothing(fact=fixed.id)
    told = _join(_entry(same), _heard(new)) if same else _heard(new)
    others = [_entry(fact) for fact in rivals if fact is not same and not fact.pinned] if new.is_alone else []
    standing = _standing(told, others)
    closed = tuple(_closings(rivals, [*others, told], told))
    if same:
        return _again(new, same, standing, closed)
    return Supersede(standing=standing, closed=closed) if closed else Add(standing=standing)


def standings(facts: Sequence[Known], *, alone: bool) -> list[Standing]:
    """Return how these facts of one slot stand, in their order, when nothing but them was ever said.

    `alone` says that the slot takes one value. It takes n log n steps for n facts.
    """
    entries = [_entry(fact) for fact in facts]
    said = _said(entries) if alone else []
    return [_standing(entry, _next_said(entry, entries, said)) for entry in entries]


def _said(entries: Sequence[_Entry]) -> list[tuple[datetime, str, int]]:
    """Return all that was said, in its order: when, which value, and which of the entries that is."""
    return sorted((at, entry.value, place) for place, entry in enumerate(entries) for at in (entry.first, entry.last))


def _next_said(entry: _Entry, entries: Sequence[_Entry], said: Sequence[tuple[datetime, str, int]]) -> list[_Entry]:
    """Return the entry of another value that was said first after this one was said last, if there is one."""
    later = islice(said, bisect_right(said, (entry.last, entry.value, len(entries))), None)
    return list(islice((entries[place] for _, value, place in later if value != entry.value), 1))


def _again(new: Statement, fact: Known, standing: Standing, closed: tuple[Closing, ...]) -> Decision:
    update = Update(
        fact=fact.id,
        standing=standing,
        text=_newest_text(new, fact),
        sources=tuple(sorted({*fact.sources, new.source})[:MAX_SOURCES]),
        confidence=max(fact.confidence, new.confidence),
        closed=closed,
    )
    before = (_standing_of(fact), fact.text, fact.sources, fact.confidence)
    unchanged = before == (update.standing, update.text, update.sources, update.confidence) and not closed
    return Nothing(fact=fact.id) if unchanged else update


def _newest_text(new: Statement, fact: Known) -> str:
    """Return how it was last said that it holds, or, if that never was, how it was said to have ended.

    Of two sayings at one moment it is the greater text, so that order plays no part.
    """
    known, heard = _entry(fact), _heard(new)
    return max(_told_at(known, fact.text), _told_at(heard, new.text))[-1]


def _told_at(entry: _Entry, text: str) -> tuple[datetime, datetime, str]:
    """Return what tells the newer of two texts: an ending counts only beside another ending."""
    ended = entry.end if entry.end and entry.last == BEGINNING_UNKNOWN else BEGINNING_UNKNOWN
    return entry.last, ended, text


def _heard(new: Statement) -> _Entry:
    value = normalise(new.value)
    if new.ended:
        return _Entry(value=value, first=BEGINNING_UNKNOWN, last=BEGINNING_UNKNOWN, end=new.told_at)
    return _Entry(value=value, first=new.valid_from, last=new.told_at, end=None)


def _entry(fact: Known) -> _Entry:
    end = None if fact.superseded_by else fact.valid_to
    return _Entry(value=normalise(fact.value), first=fact.valid_from, last=fact.confirmed_at, end=end, id=fact.id)


def _join(known: _Entry, heard: _Entry) -> _Entry:
    said = [moment for moment in (known.first, heard.first) if moment != BEGINNING_UNKNOWN]
    last = max(known.last, heard.last)
    end = max((end for end in (known.end, heard.end) if end and end >= last), default=None)
    return _Entry(value=known.value, first=min(said, default=BEGINNING_UNKNOWN), last=last, end=end, id=known.id)


def _standing(entry: _Entry, others: Iterable[_Entry]) -> Standing:
    follower = None if entry.end else _follower(entry, others)
    return Standing(
        valid_from=entry.first,
        confirmed_at=entry.last,
        valid_to=follower[0] if follower else entry.end,
        superseded_by=follower[1].id if follower else None,
    )


def _follower(entry: _Entry, others: Iterable[_Entry]) -> tuple[datetime, _Entry] | None:
    """Return the value that was said next, and when; of two said at one moment the greater one follows."""
    later = [
        (moment, other.value, other)
        for other in others
        for moment in (other.first, other.last)
        if other.value != entry.value and (moment, other.value) > (entry.last, entry.value)
    ]
    return (found[0], found[2]) if (found := min(later, key=lambda item: item[:2], default=None)) else None


def _closings(rivals: Iterable[Known], entries: Sequence[_Entry], told: _Entry) -> Iterable[Closing]:
    facts, said = {fact.id: fact for fact in rivals}, _said(entries)
    for entry in entries:
        fact = facts.get(entry.id) if entry.id else None
        if entry is told or entry.end or fact is None:
            continue
        if not (follower := _follower(entry, _next_said(entry, entries, said))):
            continue
        moment, after = follower
        if (fact.valid_to, fact.superseded_by) != (moment, after.id) or after.id is None:
            yield Closing(fact=fact.id, valid_to=moment, superseded_by=after.id)


def _standing_of(fact: Known) -> Standing:
    return Standing(
        valid_from=fact.valid_from,
        confirmed_at=fact.confirmed_at,
        valid_to=fact.valid_to,
        superseded_by=fact.superseded_by,
    )


def _is_history(fact: Known) -> bool:
    return fact.pinned and (fact.valid_to is not None or fact.superseded_by is not None)


def _slot_of(item: Statement | Known) -> tuple[str, str, str]:
    return slot_key(item.subject, item.speaker, item.slot)


def _says_the_same(new: Statement, fact: Known) -> bool:
    if new.slot is not None:
        return normalise(new.value) == normalise(fact.value)
    one, other = set(content_words(new.text)), set(content_words(fact.text))
    overlap = len(one & other) / len(one | other) if one | other else float(new.text == fact.text)
    return overlap >= SAME_OVERLAP
