"""Who and what there is: the users of a tenant, and the sessions of a user, each with its first and last turn."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from memoryos_ports.documents import Change, DocumentStore
from memoryos_ports.errors import InvalidInput, UpstreamProtocolError
from memoryos_ports.events import TurnsEvent
from memoryos_ports.ids import Scope, SessionId, TenantId, UserId, tenant_scope

USER_KIND = "user"
SESSION_INFO_KIND = "session_info"


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """When the first and the last turn was said."""

    first_at: datetime
    last_at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A user or a session, by its id."""

    id: str
    activity: Activity


_T = TypeVar("_T")


class Stretch(msgspec.Struct, Generic[_T], frozen=True, kw_only=True):
    """A part of a listing; `next_cursor` is None at its end."""

    items: list[_T]
    next_cursor: str | None


_decoder = msgspec.json.Decoder(Activity)


class Registry:
    """Notes users and sessions as their turns come; in any order, and twice, gives the same."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def note(self, event: TurnsEvent) -> None:
        """Note the user and the session of an event."""
        times = [message.timestamp for message in event.messages]
        await self.note_times(event.scope, event.session_id, times)

    async def note_times(self, scope: Scope, session_id: SessionId | None, times: Sequence[datetime]) -> None:
        """Note that turns of a user were said at these times, in a session if they were."""
        change = _seen(min(times), max(times))
        if session_id is not None:
            await self._documents.update(scope, {(SESSION_INFO_KIND, session_id): change})
        await self._documents.update(tenant_scope(scope.tenant_id), {(USER_KIND, scope.user_id): change})

    async def users(self, tenant_id: TenantId, *, limit: int, cursor: str | None = None) -> Stretch[Entry]:
        """Return users of a tenant in the order of their ids. Raises InvalidInput(param="cursor")."""
        return await self._list(tenant_scope(tenant_id), USER_KIND, limit, cursor)

    async def user(self, scope: Scope) -> Entry | None:
        """Return one user, None while nothing of them was applied."""
        found = await self._documents.get(tenant_scope(scope.tenant_id), USER_KIND, [scope.user_id])
        return _entry(scope.user_id, found[scope.user_id].body) if found else None

    async def sessions(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Stretch[Entry]:
        """Return sessions of a user in the order of their ids. Raises InvalidInput(param="cursor")."""
        return await self._list(scope, SESSION_INFO_KIND, limit, cursor)

    async def drop_user(self, scope: Scope) -> int:
        """Forget that there is such a user; return 1 when there was, else 0."""
        return await self._documents.delete(tenant_scope(scope.tenant_id), USER_KIND, [UserId(scope.user_id)])

    async def drop_session(self, scope: Scope, session_id: SessionId) -> int:
        """Forget that there is such a session; return 1 when there was, else 0."""
        return await self._documents.delete(scope, SESSION_INFO_KIND, [session_id])

    async def _list(self, scope: Scope, kind: str, limit: int, cursor: str | None) -> Stretch[Entry]:
        after = None if cursor is None else read_place(cursor)
        found = await self._documents.list_documents(scope, kind, limit=limit + 1, after=after)
        items = [_entry(document.id, document.body) for document in found[:limit]]
        return Stretch(items=items, next_cursor=write_place(items[-1].id) if len(found) > limit else None)


def write_place(id_: str) -> str:
    """Return the cursor of the stretch that begins after this id, URL-safe."""
    return base64.urlsafe_b64encode(id_.encode()).rstrip(b"=").decode()


def read_place(cursor: str) -> str:
    """Return the id that a cursor was written for. Raises InvalidInput(param="cursor") for anything else."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (UnicodeError, binascii.Error) as exc:
        raise InvalidInput("cursor was not made by this listing", param="cursor") from exc
    if write_place(place) != cursor:
        raise InvalidInput("cursor was not made by this listing", param="cursor")
    return place


def _seen(first_at: datetime, last_at: datetime) -> Change:
    def change(body: bytes | None) -> bytes:
        known = None if body is None else _read(body)
        first = first_at if known is None else min(first_at, known.first_at)
        last = last_at if known is None else max(last_at, known.last_at)
        return msgspec.json.encode(Activity(first_at=first, last_at=last))

    return change


def _entry(id_: str, body: bytes) -> Entry:
    return Entry(id=id_, activity=_read(body))


def _read(body: bytes) -> Activity:
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as exc:
        raise UpstreamProtocolError(upstream="documents", detail="an entry that cannot be read") from exc
