"""Which events are dropped when they are applied: those of an erased user, a forgotten session, a switched-off time."""

from datetime import UTC, datetime

import msgspec

from memoryos_ports.documents import Change, DocumentStore
from memoryos_ports.errors import Conflict, UpstreamProtocolError
from memoryos_ports.events import TurnsEvent
from memoryos_ports.ids import Scope, SessionId, tenant_scope

ERASED_KIND = "erased"
"""Kept with the tenant, so that it survives the erasure."""

REMEMBER_KIND = "remember"
"""Kept with the tenant too: that somebody is not to be remembered is no content, and an erasure must not undo it."""

REFUSAL_KIND = "refusal"

STRETCHES_KEPT = 100
"""Of how many switched-off times is known that they were; what was accepted in one before them is applied."""


class Span(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of time, both ends within it; None: from ever, or for ever."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Return whether a moment lies in the stretch."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment <= self.end)


class Stretches(Span, frozen=True, kw_only=True, omit_defaults=True):
    """Stretches of time: the latest, and those `earlier` than it, newest first."""

    earlier: tuple[Span, ...] = ()

    def holds(self, moment: datetime) -> bool:
        """Return whether a moment lies in one of them."""
        return super().holds(moment) or any(span.holds(moment) for span in self.earlier)


NEVER = Stretches(start=datetime.max.replace(tzinfo=UTC), end=datetime.min.replace(tzinfo=UTC))
"""A stretch without any moment."""

_decoder = msgspec.json.Decoder(Stretches)


class Refusals:
    """Durable notes of what must not be applied any more, and the look into them."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def cover(self, event: TurnsEvent) -> bool:
        """Return whether an event must be dropped: it was accepted in a stretch that is not to be remembered."""
        scope = event.scope
        off = await self.switched_off(scope)
        is_off = off is not None and off.holds(event.accepted_at)
        return is_off or await self.erased(event) or await self.forgotten(event)

    async def erasure(self, scope: Scope) -> Span | None:
        """Return up to which moment a user was erased, None when it never was."""
        return await self._of_user(scope, ERASED_KIND)

    async def erased(self, event: TurnsEvent) -> bool:
        """Return whether the user was erased after an event was accepted."""
        span = await self.erasure(event.scope)
        return span is not None and span.holds(event.accepted_at)

    async def forgotten(self, event: TurnsEvent) -> bool:
        """Return whether the session of an event was forgotten after it was accepted."""
        if event.session_id is None:
            return False
        key = _session_key(event.session_id)
        found = await self._documents.get(event.scope, REFUSAL_KIND, [key])
        return bool(found) and _read(found[key].body).holds(event.accepted_at)

    async def require_same(self, scope: Scope, known: Span | None) -> None:
        """Raise Conflict unless the last erasure of a user still is the one that was `known` when something began."""
        if await self.erasure(scope) != known:
            raise Conflict("the user was erased meanwhile")

    async def note_erasure(self, scope: Scope, at: datetime) -> None:
        """Drop what is accepted up to this moment, for ever; durable on return."""
        home = tenant_scope(scope.tenant_id)
        await self._documents.update(home, {(ERASED_KIND, scope.user_id): _until(at)})

    async def note_forgotten(self, scope: Scope, session_id: SessionId, at: datetime) -> None:
        """Drop what is accepted of a session up to this moment; durable on return."""
        await self._documents.update(scope, {(REFUSAL_KIND, _session_key(session_id)): _until(at)})

    async def switched_off(self, scope: Scope) -> Span | None:
        """Return the stretches in which the user is not to be remembered (the latest first), None without any."""
        return await self._of_user(scope, REMEMBER_KIND)

    async def switch(self, scope: Scope, *, remember: bool, at: datetime) -> None:
        """Begin or end the stretch in which the user is not to be remembered; durable on return."""
        home = tenant_scope(scope.tenant_id)
        await self._documents.update(home, {(REMEMBER_KIND, scope.user_id): _switched(remember, at)})

    async def _of_user(self, scope: Scope, kind: str) -> Span | None:
        found = await self._documents.get(tenant_scope(scope.tenant_id), kind, [scope.user_id])
        return _read(found[scope.user_id].body) if found else None


def _session_key(session_id: SessionId) -> str:
    return f"session:{session_id}"


def _until(at: datetime) -> Change:
    def change(body: bytes | None) -> bytes:
        before = None if body is None else _read(body).end
        return msgspec.json.encode(Span(end=at if before is None else max(at, before)))

    return change


def _switched(remember: bool, at: datetime) -> Change:
    def change(body: bytes | None) -> bytes:
        known = NEVER if body is None else _read(body)
        if (known.end is None) == (not remember):
            return body or msgspec.json.encode(known)
        return msgspec.json.encode(_ended(known, at) if remember else _begun(known, at))

    return change


def _ended(known: Stretches, at: datetime) -> Stretches:
    return msgspec.structs.replace(known, end=at)


def _begun(known: Stretches, at: datetime) -> Stretches:
    last = () if known == NEVER else (Span(start=known.start, end=known.end),)
    return Stretches(start=at, earlier=(*last, *known.earlier)[:STRETCHES_KEPT])


def _read(body: bytes) -> Stretches:
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as exc:
        raise UpstreamProtocolError(upstream="documents", detail="a stretch of time that cannot be read") from exc
