"""The headers of an answer that tell of the calls behind it."""

import string
from urllib.parse import quote

from memoryos_core.routing.plan import Route
from memoryos_ports.llm import CallFacts

ROUTE = b"x-memoryos-route"
TRIES = b"x-memoryos-tries"
DROPPED_PARAMS = b"x-memoryos-dropped-params"

_MAX_BYTES = 4096


def route_header(route: Route) -> bytes:
    """Return TIER/PROVIDER/MODEL, quoted: it is the client that names the model."""
    return _quoted(str(route))


def facts_headers(facts: CallFacts) -> list[tuple[bytes, bytes]]:
    """Return the provider's own headers, and the names of the parameters that it has no word for."""
    headers = [(name.encode(), value.encode()) for name, value in facts.headers.items()]
    if facts.dropped_params:
        names = b", ".join(_quoted(name) for name in facts.dropped_params)
        headers.append((DROPPED_PARAMS, names[:_MAX_BYTES]))
    return headers


def _quoted(text: str) -> bytes:
    return quote(text, safe=string.punctuation).encode()
