"""Which segment a page is in: decided once, and kept for as long as the page is."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from memoryos_ports.documents import DocumentStore
from memoryos_ports.ids import MemoryId, Scope

PLACE_KIND = "place"


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a page is. `gone`: nothing is to be learnt from it, until it is noted as new.

    `edition` counts how often that was so: what is learnt from an edited page never falls on the ids of what was
    deleted with its former text.
    """

    segment: MemoryId | None = None
    edition: int = 0
    gone: bool = False


NOWHERE = Place()


class Places:
    """The places of pages, one small document per page."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def get(self, scope: Scope, pages: Sequence[MemoryId]) -> dict[MemoryId, Place]:
        """Return the place of each of the pages; NOWHERE for one that was never sorted."""
        found = await self._documents.get(scope, PLACE_KIND, pages)
        return {page: _decode(found[page].body) if page in found else NOWHERE for page in pages}

    async def decide(self, scope: Scope, segments: Mapping[MemoryId, MemoryId]) -> None:
        """Put pages into segments, all in one step. A page that is somewhere, or gone, stays as it is."""
        changes = {(PLACE_KIND, str(page)): partial(_moved, segment=segment) for page, segment in segments.items()}
        await self._documents.update(scope, changes)

    async def leave(self, scope: Scope, pages: Sequence[MemoryId]) -> None:
        """Note that nothing is to be learnt from these pages, all in one step."""
        await self._documents.update(scope, {(PLACE_KIND, str(page)): _gone for page in pages})

    async def renew(self, scope: Scope, pages: Sequence[MemoryId]) -> None:
        """Note that these pages are to be sorted as if they were new."""
        await self._documents.update(scope, {(PLACE_KIND, str(page)): _renewed for page in pages})


def _moved(body: bytes | None, *, segment: MemoryId) -> bytes:
    place = _decode(body)
    if place.gone or place.segment is not None:
        return _encode(place)
    return _encode(msgspec.structs.replace(place, segment=segment))


def _gone(body: bytes | None) -> bytes:
    place = _decode(body)
    if place.gone:
        return _encode(place)
    return _encode(Place(edition=place.edition + 1, gone=True))


def _renewed(body: bytes | None) -> bytes:
    return _encode(Place(edition=_decode(body).edition))


def _encode(place: Place) -> bytes:
    return msgspec.json.encode(place)


def _decode(body: bytes | None) -> Place:
    return NOWHERE if body is None else msgspec.json.decode(body, type=Place)
