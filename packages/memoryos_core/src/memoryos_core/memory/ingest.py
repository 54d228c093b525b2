"""Taking turns in: an event becomes durable, then pages that are searchable; twice is the same as once."""

from collections.abc import Collection, Mapping, Sequence
from itertools import count

import msgspec
from loguru import logger

from memoryos_core.lifecycle.quarantine import Quarantine, screened_pages
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.memory.indexing import Indexer
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import EventIdReused, InvalidEvent, MemoryOSError, NotFound, UpstreamError
from memoryos_ports.events import EventLog, Published, Receipt, TurnsEvent, content_hash
from memoryos_ports.ids import EventId, MemoryId, Scope, page_id
from memoryos_ports.memory import MemoryStorage, Page, only_pages
from memoryos_ports.short_term import ShortTermStore

PAGES_AT_ONCE = 64
"""How many pages are embedded and inserted together: a long history must not hold up everybody else's recall."""

_LOOK = 64
"""How many pages of an event are looked for at once."""


class Ingest:
    """Accepts events (durable on return) and applies them (searchable on return)."""

    def __init__(
        self,
        *,
        events: EventLog,
        short_term: ShortTermStore,
        storage: MemoryStorage,
        embedder: Embedder,
        sensitive: SensitiveRules | None = None,
        redactor: Redactor | None = None,
        quarantine: Quarantine | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self._sensitive = sensitive or SensitiveRules()
        self._redactor = redactor or Redactor()
        self._quarantine = quarantine
        self._refusals = refusals
        self._events = events
        self._short_term = short_term
        self._storage = storage
        self._indexer = Indexer(embedder, self._sensitive)

    async def accept(self, event: TurnsEvent, *, check_pages: bool = False) -> Receipt:
        """Make an event durable and its turns part of short-term memory; return its receipt.

        The same event_id again changes nothing. `check_pages` asks the pages too, for an event_id that somebody chose
        and whose receipt may have been purged. Raises EventIdReused when it was used with other content.
        """
        event = self._redacted(self._marked(event))
        if check_pages and (receipt := await self._known_from_pages(event)):
            return receipt
        event = await self.completed(event)
        published = await self.publish(event)
        if published.outcome == "other":
            raise EventIdReused(event.event_id)
        if published.outcome == "new":
            try:
                await self.keep_short_term(event)
            except MemoryOSError as exc:  # the event is durable: its application appends its turns again
                logger.bind(event_id=event.event_id, error=str(exc)).debug("turns not in short-term memory yet")
        return published.receipt

    async def completed(self, event: TurnsEvent) -> TurnsEvent:
        """Return the event as it is published: redacted, marked as sensitive, linked to the turn before it."""
        event = self._redacted(self._marked(event))
        return msgspec.structs.replace(event, follows=event.follows or await self._newest_turn(event))

    async def publish(self, event: TurnsEvent) -> Published:
        """Make a completed event durable, and no more."""
        return await self._events.publish(event)

    async def keep_short_term(self, event: TurnsEvent) -> None:
        """Make the turns of a published event part of short-term memory, so that they are recalled at once.

        Another process may erase the user meanwhile, and with them the event that would be dropped later.
        """
        await self._short_term.append(await self._pages(event))
        if self._refusals is not None and await self._refusals.erased(event):
            await self._short_term.remove(event.scope, event.memory_ids)

    async def apply(self, event: TurnsEvent, *, without: Collection[MemoryId] = ()) -> bool:
        """Make the turns of an event searchable. Applied again, or after an edit or a deletion, it changes nothing.

        `without` are those of its pages that others stand for: they are not stored. Return False for a chat's when
        other content is stored under its event_id; raises InvalidEvent for any other source's.
        """
        pages = [page for page in await self._pages(event) if page.id not in without]
        await self._short_term.append(pages)
        if without:
            await self._short_term.remove(event.scope, list(without))
        for start in range(0, len(pages), PAGES_AT_ONCE):
            batch = pages[start : start + PAGES_AT_ONCE]
            known = await self._storage.insert(await self._indexer.entries(batch))
            if known and await self._let_stand(event, batch, known):
                return False
            await self._short_term.mark_indexed(event.scope, [page.id for page in batch])
        if self._quarantine is not None:
            await self._quarantine.note(pages)
        return True

    async def withdraw(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Take pages back, as if their events had not brought them; what was learnt from them is not seen to here."""
        await self._short_term.remove(scope, ids)
        await self._storage.delete(scope, ids)
        if self._quarantine is not None:
            await self._quarantine.drop(scope, ids)

    async def settled(self, event: TurnsEvent, receipt: Receipt, *, timeout_s: float) -> Receipt:
        """Return the receipt once the event is stored or dead, or as it is after `timeout_s` seconds."""
        if receipt.state in ("stored", "dead"):
            return receipt
        return await self._events.settled(event.scope, event.event_id, timeout_s=timeout_s) or receipt

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt:
        """Return what became of an event; once its receipt is purged, its pages tell. Raises NotFound."""
        receipt = await self._events.receipt(scope, event_id)
        if receipt is None or (receipt.state == "stored" and not receipt.memory_ids):  # once dead, and mended
            receipt = await self._receipt_from_pages(scope, event_id) or receipt
        if receipt is None:
            raise NotFound("event", event_id)
        return receipt

    async def held_back(self, event: TurnsEvent) -> list[MemoryId]:
        """Return which turns of an event are held back; what is stored tells that itself, as it may be released."""
        pages = [page for page in await self._pages(self._redacted(event)) if page.quarantined]
        try:
            stored = only_pages(await self._storage.get(event.scope, [page.id for page in pages])) if pages else []
        except UpstreamError:
            stored = []
        released = {page.id for page in stored if not page.quarantined}
        return [page.id for page in pages if page.id not in released]

    async def _let_stand(self, event: TurnsEvent, batch: Sequence[Page], known: Sequence[MemoryId]) -> bool:
        """Take back what an event brought where another content holds its event_id; return whether one does.

        A page that was edited still tells which content it came with, and one that was deleted tells nothing.
        """
        content = batch[0].content_hash
        stored = only_pages(await self._storage.get(event.scope, known))
        first = {page.id: page for page in stored if page.content_hash != content}
        if not first:
            return False
        await self._mend_short_term(event, content, first)
        await self._storage.delete(event.scope, [page.id for page in batch if page.id not in known])
        if event.source != "chat":
            raise InvalidEvent(f"event_id {event.event_id!r} was already used with other content")
        return True

    async def _mend_short_term(self, event: TurnsEvent, content: str, first: Mapping[MemoryId, Page]) -> None:
        """Give short-term memory the words of the content that came first: it may have taken in the other's."""
        for page in first.values():
            await self._short_term.replace(page)
        await self._short_term.mark_indexed(event.scope, [*first])
        others = [id_ for id_ in event.memory_ids if id_ not in first]
        kept = await self._short_term.get(event.scope, others)
        await self._short_term.remove(event.scope, [page.id for page in kept if page.content_hash == content])

    async def _newest_turn(self, event: TurnsEvent) -> MemoryId | None:
        if event.session_id is None:
            return None
        try:
            newest = await self._short_term.recent(event.scope, event.session_id, limit=1)
        except UpstreamError:
            return None  # a page without its neighbour is found all the same
        return newest[0].id if newest and newest[0].event_id != event.event_id else None

    def _redacted(self, event: TurnsEvent) -> TurnsEvent:
        turns = (self._redactor.redact_fields(turn, "content", "name") for turn in event.messages)
        return msgspec.structs.replace(event, messages=tuple(turns))

    def _marked(self, event: TurnsEvent) -> TurnsEvent:
        """Return the event marked as sensitive when one of its turns is: all of its pages stay local then."""
        texts = [message.content for message in event.messages] + [message.name or "" for message in event.messages]
        if event.sensitive or not self._sensitive.match_texts(texts):
            return event
        return msgspec.structs.replace(event, sensitive=True)

    async def _pages(self, event: TurnsEvent) -> list[Page]:
        """Return the pages of an event as they are kept: some marked as sensitive, some held back."""
        return await screened_pages(pages_of(self._marked(event)))

    async def _receipt_from_pages(self, scope: Scope, event_id: EventId) -> Receipt | None:
        ids: list[MemoryId] = []
        for start in count(step=_LOOK):
            wanted = [page_id(scope, event_id, index) for index in range(start, start + _LOOK)]
            pages = only_pages(await self._storage.get(scope, wanted))
            if not pages:
                break
            ids.extend(page.id for page in pages)
        return Receipt(event_id=event_id, state="stored", memory_ids=tuple(ids)) if ids else None

    async def _known_from_pages(self, event: TurnsEvent) -> Receipt | None:
        try:
            stored = only_pages(await self._storage.get(event.scope, event.memory_ids))
        except UpstreamError:
            return None  # an index that is down does not stop a write: insertion is idempotent by id
        if not stored:
            return None
        if stored[0].content_hash != content_hash(event.messages):
            raise EventIdReused(event.event_id)
        return Receipt(event_id=event.event_id, state="stored", memory_ids=event.memory_ids)


def pages_of(event: TurnsEvent) -> list[Page]:
    """Return the pages an event becomes, one per message, under ids that are the same for ever."""
    scope, hash_ = event.scope, content_hash(event.messages)
    ids = event.memory_ids
    last = len(ids) - 1
    return [
        Page(
            id=ids[index],
            scope=scope,
            event_id=event.event_id,
            index=index,
            role=message.role,
            name=message.name,
            text=message.content,
            session_id=event.session_id,
            agent_id=event.agent_id,
            timestamp=message.timestamp,
            accepted_at=event.accepted_at,
            source=event.source,
            metadata=event.metadata,
            partial=event.partial and index == last and message.role == "assistant",
            sensitive=event.sensitive,
            follows=ids[index - 1] if index else event.follows,
            content_hash=hash_,
        )
        for index, message in enumerate(event.messages)
    ]
