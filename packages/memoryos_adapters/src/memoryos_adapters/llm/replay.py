"""What a provider wants back with its own tool calls, kept for clients that lose it (wire contract: AN12, GE5, DS2)."""

from collections import OrderedDict
from collections.abc import Iterable

MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 1024 * 1024


class ReplayCache:
    """Blobs by (owner, id of a tool call), the newest kept; in memory, so a restart forgets them.

    The owner (`ChatRequest.owner`) keeps them apart: an id that somebody else guessed finds nothing.
    """

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._blobs: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._held = 0

    def keep(self, owner: str, call_ids: Iterable[str], blob: bytes) -> None:
        """Keep a blob under each of these calls; one that is larger than all that may be held is not kept."""
        if len(blob) > self._max_bytes:
            return
        for call_id in call_ids:
            self._forget((owner, call_id))
            self._blobs[owner, call_id] = blob
            self._held += len(blob)
        while self._blobs and (len(self._blobs) > self._max_entries or self._held > self._max_bytes):
            self._forget(next(iter(self._blobs)))

    def find(self, owner: str, call_id: str) -> bytes | None:
        """Return what was kept for a call, None when nothing is."""
        return self._blobs.get((owner, call_id))

    def _forget(self, key: tuple[str, str]) -> None:
        blob = self._blobs.pop(key, None)
        self._held -= len(blob or b"")
