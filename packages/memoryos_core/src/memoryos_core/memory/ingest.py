"""Taking turns in: an event becomes durable, then pages that are searchable; twice is the same as once."""

from collections.abc import Sequence
from itertools import count

import msgspec
from loguru import logger

from memoryos_core.memory.chunks import chunk_spans
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import EventIdReused, MemoryOSError, NotFound, UpstreamError
from memoryos_ports.events import EventLog, Published, Receipt, TurnsEvent, content_hash
from memoryos_ports.ids import EventId, MemoryId, Scope, page_id
from memoryos_ports.memory import Chunk, IndexEntry, MemoryStorage, Page
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
    ) -> None:
        self._sensitive = sensitive or SensitiveRules()
        self._events = events
        self._short_term = short_term
        self._storage = storage
        self._embedder = embedder

    async def accept(self, event: TurnsEvent, *, check_pages: bool = False) -> Receipt:
        """Make an event durable and its turns part of short-term memory; return its receipt.

        The same event_id again changes nothing. `check_pages` asks the pages too, for an event_id that somebody chose
        and whose receipt may have been purged. Raises EventIdReused when it was used with other content.
        """
        if check_pages and (receipt := await self._known_from_pages(event)):
            return receipt
        published = await self.publish(event)
        if published.outcome == "other":
            raise EventIdReused(event.event_id)
        if published.outcome == "new":
            try:
                await self.keep_short_term(event)
            except MemoryOSError as exc:  # the event is durable: its application appends its turns again
                logger.bind(event_id=event.event_id, error=str(exc)).warning("turns not in short-term memory yet")
        return published.receipt

    async def publish(self, event: TurnsEvent) -> Published:
        """Make an event durable, and no more."""
        return await self._events.publish(self._marked(event))

    async def keep_short_term(self, event: TurnsEvent) -> None:
        """Make the turns of a published event part of short-term memory, so that they are recalled at once."""
        await self._short_term.append(pages_of(self._marked(event)))

    async def apply(self, event: TurnsEvent) -> None:
        """Make the turns of an event searchable. Applied again, or after an edit or a deletion, it changes nothing."""
        pages = pages_of(self._marked(event))
        await self._short_term.append(pages)
        for start in range(0, len(pages), PAGES_AT_ONCE):
            batch = pages[start : start + PAGES_AT_ONCE]
            await self._storage.insert(await self._entries(batch))
            await self._short_term.mark_indexed(event.scope, [page.id for page in batch])

    async def settled(self, event: TurnsEvent, receipt: Receipt, *, timeout_s: float) -> Receipt:
        """Return the receipt once the event is stored or dead, or as it is after `timeout_s` seconds."""
        if receipt.state in ("stored", "dead"):
            return receipt
        return await self._events.settled(event.scope, event.event_id, timeout_s=timeout_s) or receipt

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt:
        """Return what became of an event; once its receipt is purged, its pages tell. Raises NotFound."""
        receipt = await self._events.receipt(scope, event_id) or await self._receipt_from_pages(scope, event_id)
        if receipt is None:
            raise NotFound("event", event_id)
        return receipt

    def _marked(self, event: TurnsEvent) -> TurnsEvent:
        """Return the event marked as sensitive when one of its turns is: all of its pages stay local then."""
        texts = [message.content for message in event.messages] + [message.name or "" for message in event.messages]
        if event.sensitive or not self._sensitive.match_texts(texts):
            return event
        return msgspec.structs.replace(event, sensitive=True)

    async def _receipt_from_pages(self, scope: Scope, event_id: EventId) -> Receipt | None:
        ids: list[MemoryId] = []
        for start in count(step=_LOOK):
            wanted = [page_id(scope, event_id, index) for index in range(start, start + _LOOK)]
            pages = await self._storage.get(scope, wanted)
            if not pages:
                break
            ids.extend(page.id for page in pages)
        return Receipt(event_id=event_id, state="stored", memory_ids=tuple(ids)) if ids else None

    async def _known_from_pages(self, event: TurnsEvent) -> Receipt | None:
        try:
            stored = await self._storage.get(event.scope, event.memory_ids)
        except UpstreamError:
            return None  # an index that is down does not stop a write: insertion is idempotent by id
        if not stored:
            return None
        if stored[0].content_hash != content_hash(event.messages):
            raise EventIdReused(event.event_id)
        return Receipt(event_id=event.event_id, state="stored", memory_ids=event.memory_ids)

    async def _entries(self, pages: Sequence[Page]) -> list[IndexEntry]:
        spans = [chunk_spans(page.text) for page in pages]
        texts = [
            spoken(page, page.text[start:end]) for page, own in zip(pages, spans, strict=True) for start, end in own
        ]
        vectors = iter(await self._embedder.embed(texts))
        return [
            IndexEntry(
                page=page,
                terms=spoken(page, page.text),
                chunks=tuple(
                    Chunk(number=n, start=start, end=end, vector=next(vectors)) for n, (start, end) in enumerate(own)
                ),
            )
            for page, own in zip(pages, spans, strict=True)
        ]


def pages_of(event: TurnsEvent) -> list[Page]:
    """Return the pages an event becomes, one per message, under ids that are the same for ever."""
    scope, hash_ = event.scope, content_hash(event.messages)
    last = len(event.messages) - 1
    return [
        Page(
            id=page_id(scope, event.event_id, index),
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
            content_hash=hash_,
        )
        for index, message in enumerate(event.messages)
    ]


def spoken(page: Page, text: str) -> str:
    """Return a text as it is embedded and indexed: with its speaker, where the speaker has a name."""
    return f"{page.name}: {text}" if page.name else text
