"""What a provider wants back with its own tool calls, kept for clients that lose it (wire contract: AN12, GE5, DS2)."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from memoryos_ports.llm import ToolCall

MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 1024 * 1024

_Key: TypeAlias = tuple[str, str, bytes]


class ReplayCache:
    """Blobs by (owner, id of a tool call, what was called), the newest kept; in memory, so a restart forgets them.

    The owner (`ChatRequest.owner`) keeps them apart: an id that somebody else guessed finds nothing. `said` is the
    `digest_of` the calls of an answer: some models give the same ids in every conversation (``functions.search:0``).
    """

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._blobs: OrderedDict[_Key, bytes] = OrderedDict()
        self._held = 0

    def keep(self, owner: str, call_ids: Iterable[str], blob: bytes, *, said: bytes = b"") -> None:
        """Keep a blob under each of these calls; one that is larger than all that may be held is not kept."""
        if len(blob) > self._max_bytes:
            return
        for call_id in call_ids:
            self._drop((owner, call_id, said))
            self._blobs[owner, call_id, said] = blob
            self._held += len(blob)
        while self._blobs and (len(self._blobs) > self._max_entries or self._held > self._max_bytes):
            self._drop(next(iter(self._blobs)))

    def find(self, owner: str, call_id: str, *, said: bytes = b"") -> bytes | None:
        """Return what was kept for a call, None when nothing is."""
        return self._blobs.get((owner, call_id, said))

    def forget(self, owner: str) -> None:
        """Drop all that was kept for an owner."""
        for key in [key for key in self._blobs if key[0] == owner]:
            self._drop(key)

    def _drop(self, key: _Key) -> None:
        blob = self._blobs.pop(key, None)
        self._held -= len(blob or b"")


def digest_of(calls: Iterable[ToolCall]) -> bytes:
    """Return 16 bytes that tell what is called; a client may have written the arguments anew, in JSON of its own."""
    return hashlib.blake2b(_encode([(call.name, _read(call.arguments)) for call in calls]), digest_size=16).digest()


def _read(arguments: str) -> object:
    try:
        return _decode(arguments.strip() or "{}")
    except (msgspec.MsgspecError, RecursionError):
        return arguments  # they are a text that should be JSON, so it may be none


def _number(text: str) -> float | int:
    """JavaScript writes 1.0 as 1."""
    number = float(text)
    return int(number) if number.is_integer() else number


_decode = msgspec.json.Decoder(float_hook=_number).decode
_encode = msgspec.json.Encoder(order="sorted").encode
