"""A document's body replaced whatever it was, as a change that is made together with others."""

from functools import partial

from memoryos_ports.documents import Change


def becoming(body: bytes) -> Change:
    """Return the change that makes a document this body."""
    return partial(_become, body=body)


def _become(_before: bytes | None, *, body: bytes) -> bytes:
    return body
