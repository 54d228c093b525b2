"""The wire of a profile, and between it and the domain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from memoryos_core.consolidation.profile import MAX_ENTRIES, Profile, ProfileEntry
from memoryos_core.safety.suspicion import find_instructions
from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import MemoryId

MAX_TEXT_CHARS = 2000


class ProfileItem(msgspec.Struct, frozen=True, kw_only=True):
    """What the profile says of one slot, with the memories it comes from; a pinned entry was edited by a person."""

    slot: str
    value: str
    text: str
    speaker: str | None
    updated_at: datetime
    sources: list[str]
    fact_id: str | None
    pinned: bool


class ProfileAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Pinned entries first, then the newest. `version` is 0 while there is none."""

    entries: list[ProfileItem]
    version: int


class ProfileItemRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry as it shall be; `fact_id` is that of the entry that was read, if it was one.

    `updated_at`, `sources` and `pinned` are taken as a GET gives them, and are not for a client to say.
    """

    slot: Annotated[str, Meta(min_length=1, max_length=200)]
    value: Annotated[str, Meta(max_length=MAX_TEXT_CHARS)] = ""
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARS)]
    speaker: Annotated[str, Meta(max_length=200)] | None = None
    fact_id: str | None = None
    updated_at: datetime | None = None
    sources: list[str] = []
    pinned: bool = False


class ProfileRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole profile as it shall be, and the version that was read."""

    entries: Annotated[list[ProfileItemRequest], Meta(max_length=MAX_ENTRIES)]
    version: Annotated[int, Meta(ge=0)]


def to_profile_answer(profile: Profile, version: int) -> ProfileAnswer:
    """Return a profile as it is answered."""
    return ProfileAnswer(entries=[_item(entry) for entry in profile.entries], version=version)


def to_entries(request: ProfileRequest, before: Profile, *, now: datetime) -> Sequence[ProfileEntry]:
    """Return the entries that are asked for; one that says what it said before is the same entry.

    Raises InvalidInput that names the field.
    """
    known = {_said(entry): entry for entry in before.entries}
    sources = {entry.fact_id: entry for entry in before.entries if entry.fact_id is not None}
    return [known.get(_said(item)) or _edited(item, place, sources, now) for place, item in enumerate(request.entries)]


def _edited(item: ProfileItemRequest, place: int, known: dict[MemoryId, ProfileEntry], now: datetime) -> ProfileEntry:
    path = f"entries[{place}]"
    if not item.slot.strip():
        raise InvalidInput(f"{path}.slot must not be empty", param=f"{path}.slot")
    if find_instructions(f"{item.text}\n{item.value}") is not None:
        raise InvalidInput(f"{path}.text looks like an instruction to a model", param=f"{path}.text")
    if item.fact_id is not None and item.fact_id not in known:
        raise InvalidInput(f"{path}.fact_id is of no entry of this profile", param=f"{path}.fact_id")
    source = known.get(MemoryId(item.fact_id)) if item.fact_id else None
    return ProfileEntry(
        slot=item.slot,
        value=item.value,
        text=item.text,
        speaker=item.speaker,
        updated_at=now,
        sources=source.sources if source else (),
        fact_id=source.fact_id if source else None,
        sensitive=source.sensitive if source else False,
        pinned=True,
    )


def _said(entry: ProfileEntry | ProfileItemRequest) -> tuple[str, str, str, str | None, str | None]:
    return entry.slot, entry.value, entry.text, entry.speaker, entry.fact_id


def _item(entry: ProfileEntry) -> ProfileItem:
    return ProfileItem(
        slot=entry.slot,
        value=entry.value,
        text=entry.text,
        speaker=entry.speaker,
        updated_at=entry.updated_at,
        sources=list(entry.sources),
        fact_id=entry.fact_id,
        pinned=entry.pinned,
    )
