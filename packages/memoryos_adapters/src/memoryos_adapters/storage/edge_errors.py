"""The one place that turns what the in-process Qdrant engine raises into errors of ours."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from memoryos_ports.errors import MemoryOSError, StorageFull, UpstreamProtocolError, UpstreamUnavailable

UPSTREAM = "qdrant-edge"

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("No space left", "StorageFull", "QuotaExceeded", "File too large")


@contextmanager
def engine_errors() -> Iterator[None]:
    """Translate the engine's errors and those of its files; what else is raised is a fault of ours and goes through.

    The engine raises bare Exception, told apart by their text, and, on broken files, panics, which are BaseExceptions.
    """
    try:
        yield
    except OSError as exc:
        full = exc.errno in _FULL
        raise StorageFull(UPSTREAM) if full else _unavailable(exc.strerror or "") from exc
    except BaseException as exc:  # told apart below: foreign ones are translated, all others raised again
        if type(exc) is Exception or type(exc).__name__ == "PanicException":
            raise _translate(str(exc)) from exc
        raise


def closed() -> UpstreamUnavailable:
    """Return the error of a storage that is used after its end."""
    return _unavailable("the index is closed")


def _translate(text: str) -> MemoryOSError:
    if any(word in text for word in _FULL_WORDS):
        return StorageFull(UPSTREAM)
    if "WouldBlock" in text:
        return _unavailable("the index is open in another process")
    if "not initialized" in text:
        return closed()
    return UpstreamProtocolError(upstream=UPSTREAM, detail=text.partition("\n")[0][:200])


def _unavailable(detail: str) -> UpstreamUnavailable:
    return UpstreamUnavailable(upstream=UPSTREAM, detail=detail)
