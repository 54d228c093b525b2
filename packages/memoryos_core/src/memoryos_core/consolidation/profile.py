"""The profile of a user: one document that tells what holds now, made of facts and of what a person edited."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial

import msgspec

from memoryos_core.extraction.slots import is_slot, slot_named
from memoryos_core.safety.redaction import Redactor
from memoryos_ports.documents import DocumentStore
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Fact

PROFILE_KIND = "profile"
PROFILE_ID = "profile"
MAX_ENTRIES = 100


class ProfileEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the profile says of one slot. `sources` are pages; a pinned entry was edited by a person."""

    slot: str
    value: str
    text: str
    updated_at: datetime
    speaker: str | None = None
    sources: tuple[MemoryId, ...] = ()
    pinned: bool = False
    fact_id: MemoryId | None = None
    sensitive: bool = False

    def redacted(self, redactor: Redactor) -> "ProfileEntry":
        """Return the entry as it may be kept."""
        return redactor.redact_fields(self, "value", "text", "speaker")


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, pinned ones first, then the newest. `removed` are facts that a person took out of the profile.

    `amended` are facts that a person edited: their entries are pinned for that, and follow them still.
    """

    entries: tuple[ProfileEntry, ...] = ()
    removed: tuple[MemoryId, ...] = ()
    amended: tuple[MemoryId, ...] = ()


class ProfileService:
    """Reads and writes profiles. A profile is only ever replaced in one step, from what is stored at that moment."""

    def __init__(self, documents: DocumentStore, redactor: Redactor | None = None) -> None:
        self._documents = documents
        self._redactor = redactor or Redactor()

    async def read(self, scope: Scope) -> tuple[Profile, int]:
        """Return the profile and its version; an empty one of version 0 when there is none. Raises when it cannot."""
        found = (await self._documents.get(scope, PROFILE_KIND, [PROFILE_ID])).get(PROFILE_ID)
        return (Profile(), 0) if found is None else (_decode(found.body), found.version)

    async def write(self, scope: Scope, entries: Sequence[ProfileEntry], version: int) -> int:
        """Replace the entries of the version that was read; return the new version.

        Entries that are new or differ are pinned; facts whose entries are missing stay out. Raises VersionConflict
        when somebody else was faster, and then nothing is changed.
        """
        before, _ = await self.read(scope)
        body = msgspec.json.encode(_edited(before, [entry.redacted(self._redactor) for entry in entries]))
        stored = await self._documents.put(scope, PROFILE_KIND, PROFILE_ID, body, expected_version=version)
        return stored.version

    async def refresh(self, scope: Scope, facts: Sequence[Fact], *, amended: MemoryId | None = None) -> None:
        """Make the profile tell what these facts, all of the scope, tell; what a person edited stays as it is.

        A fact that was `amended` just now is told as it is, whatever its entry said.
        """
        change = partial(_refreshed, told=tuple(map(_entry, _telling(facts))), amended=amended)
        await self._documents.update(scope, {(PROFILE_KIND, PROFILE_ID): change})


def _refreshed(body: bytes | None, *, told: Sequence[ProfileEntry], amended: MemoryId | None) -> bytes:
    before = Profile() if body is None else _decode(body)
    following = {*before.amended, amended} - {None}
    known = {entry.fact_id for entry in told}
    pinned = [_following(entry, known) for entry in before.entries if entry.pinned and entry.fact_id not in following]
    hidden = {entry.fact_id for entry in pinned} | set(before.removed)
    taken = {entry.slot for entry in pinned if is_slot(entry.slot) and slot_named(entry.slot).single}
    fresh = [entry for entry in told if entry.fact_id not in hidden and entry.slot not in taken]
    fresh.sort(key=lambda entry: not entry.pinned)
    profile = Profile(
        entries=(*pinned, *fresh[: max(0, MAX_ENTRIES - len(pinned))]),
        removed=tuple(id_ for id_ in before.removed if id_ in known),
        amended=tuple(entry.fact_id for entry in fresh if entry.pinned and entry.fact_id),
    )
    return msgspec.json.encode(profile)


def _following(entry: ProfileEntry, known: Collection[MemoryId | None]) -> ProfileEntry:
    """Return an edited entry without the fact it was made of, when that is gone."""
    return entry if entry.fact_id in known else msgspec.structs.replace(entry, fact_id=None, sources=())


def _edited(before: Profile, entries: Sequence[ProfileEntry]) -> Profile:
    kept = {entry.fact_id for entry in entries}
    unchanged = {entry.fact_id for entry in entries if entry in before.entries}
    missing = (entry.fact_id for entry in before.entries if entry.fact_id and entry.fact_id not in kept)
    return Profile(
        entries=tuple(
            entry if entry in before.entries else msgspec.structs.replace(entry, pinned=True) for entry in entries
        ),
        removed=tuple(dict.fromkeys((*before.removed, *missing))),
        amended=tuple(id_ for id_ in before.amended if id_ in unchanged),
    )


def _telling(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts that are part of a profile, newest first: what holds of the user and fills a slot."""
    current = [f for f in facts if f.subject == "user" and f.slot and f.valid_to is None and f.superseded_by is None]
    return sorted(current, key=lambda fact: (fact.recorded_at, fact.valid_from, fact.id), reverse=True)


def _entry(fact: Fact) -> ProfileEntry:
    return ProfileEntry(
        slot=fact.slot or "",
        value=fact.value,
        speaker=fact.speaker,
        text=fact.text,
        updated_at=fact.recorded_at,
        sources=fact.sources,
        pinned=fact.pinned,
        fact_id=fact.id,
        sensitive=fact.sensitive,
    )


def _decode(body: bytes) -> Profile:
    return msgspec.json.decode(body, type=Profile)
