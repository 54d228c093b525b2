"""Server-sent events, read from bytes as they arrive."""

from memoryos_ports.errors import UpstreamProtocolError

MAX_EVENT_BYTES = 16 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"


class SseParser:
    """Gives the data of each event of one stream, however its bytes are cut.

    Follows the WHATWG rules for lines (CR, LF, CRLF), comments, several data lines and a leading byte order mark.
    Names, ids and retry times are skipped: the providers repeat what matters in the data. An event that is not ended
    by an empty line was not received.
    """

    def __init__(self, *, upstream: str, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._upstream, self._max_event_bytes = upstream, max_event_bytes
        self._begun = False
        self._after_cr = False
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of the events that these bytes complete, oldest first.

        Raises UpstreamProtocolError when an event outgrows `max_event_bytes`.
        """
        if self._after_cr or b"\r" in data:
            data = self._with_line_feeds(data)
        head, newline, rest = data.rpartition(b"\n")
        events = self._events(self._complete(head)) if newline else []
        if rest:
            self._hold(rest)
        return events

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _complete(self, head: bytes) -> list[bytes]:
        if self._line:
            self._held -= sum(map(len, self._line))
            self._line.append(head)
            head = b"".join(self._line)
            self._line.clear()
        if not self._begun:
            self._begun = True
            head = head.removeprefix(_BOM)
        return head.split(b"\n")

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        held = self._data
        for line in lines:
            if not line:
                if held:
                    events.append(held[0] if len(held) == 1 else b"\n".join(held))
                    held.clear()
                    self._held = 0
            elif line.startswith(b"data: "):
                self._keep(line[6:])
            elif line.startswith(b"data:"):
                self._keep(line[5:])
            elif line == b"data":
                self._keep(b"")
        return events

    def _keep(self, value: bytes) -> None:
        self._data.append(value)
        self._grow(len(value) + 1)

    def _hold(self, piece: bytes) -> None:
        self._line.append(piece)
        self._grow(len(piece))

    def _grow(self, size: int) -> None:
        self._held += size
        if self._held > self._max_event_bytes:
            raise UpstreamProtocolError(upstream=self._upstream, detail="an event without end")
