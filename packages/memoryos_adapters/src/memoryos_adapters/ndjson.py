"""Lines of JSON (NDJSON), read from bytes as they arrive."""

from memoryos_ports.errors import UpstreamProtocolError

MAX_LINE_BYTES = 16 * 1024 * 1024


class NdjsonParser:
    """Gives the lines of one stream, however its bytes are cut; blank lines are skipped.

    The last line need not be ended: a JSON document says itself where it ends.
    """

    def __init__(self, *, upstream: str, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._upstream, self._max_line_bytes = upstream, max_line_bytes
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that these bytes complete, oldest first.

        Raises UpstreamProtocolError when a line outgrows `max_line_bytes`.
        """
        head, newline, rest = data.rpartition(b"\n")
        lines = self._complete(head) if newline else []
        if rest:
            self._hold(rest)
        return lines

    def end(self) -> bytes:
        """Return what came after the last line break; the stream is over."""
        return b"".join(self._pieces).strip()

    def _complete(self, head: bytes) -> list[bytes]:
        if self._pieces:
            head = b"".join((*self._pieces, head))
            self._pieces.clear()
            self._held = 0
        return [line for line in head.split(b"\n") if line.strip()]

    def _hold(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > self._max_line_bytes:
            raise UpstreamProtocolError(upstream=self._upstream, detail="a line without end")
