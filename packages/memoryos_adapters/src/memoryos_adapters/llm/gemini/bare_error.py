"""An error that stands bare in a stream of events: Google writes a late one as JSON without ``data:`` (GE10).

Source: google-genai, _api_client.py, which looks for it as well.
"""

_FIELDS = (b"data", b":", b"event", b"id", b"retry")
_OPENINGS = (b"{", b"[")
_MAX_BYTES = 64 * 1024


class BareError:
    """Collects the lines that are no fields of events, from the first that opens a JSON object or list.

    Both a carriage return and a line feed end a line, wherever the reads are cut: empty lines mean nothing here.
    """

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._held = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Look at what came."""
        *lines, rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        self._rest = rest[:_MAX_BYTES]  # of a longer line, which is an image's, the beginning tells enough
        for line in lines:
            self._add(line)

    def end(self) -> bytes:
        """Return the JSON, nothing when there is none; the body is over."""
        self._add(self._rest)
        return b"\n".join(self._lines)

    def _add(self, line: bytes) -> None:
        if line.startswith(_FIELDS) or self._held > _MAX_BYTES:
            return
        if self._lines or line.lstrip().startswith(_OPENINGS):
            self._lines.append(line)
            self._held += len(line) + 1
