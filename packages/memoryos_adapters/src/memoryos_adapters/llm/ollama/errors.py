"""What Ollama's refusals mean: a bare text, whose words have to be read (OL8).

Sources: https://docs.ollama.com/api/errors; the texts of its server, and of the runner that newer versions pass on as
JSON inside the text; the quota texts of hosted Ollama as its users report them (continuedev/continue#11444).
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from memoryos_adapters.llm.refusals import ErrorTable, Refusal, read_refusal, refusal_of
from memoryos_ports.errors import MemoryOSError

_LOOKED_AT = 500  # characters
_TOO_LONG = re.compile(r"(exceeds?|longer than) the (available |maximum )?(context|input) (length|size)", re.IGNORECASE)
_NO_QUOTA = re.compile(r"\busage limit\b", re.IGNORECASE)
_NO_MODEL = re.compile(r"\bmodel\b.{1,300}\bnot found\b", re.IGNORECASE | re.DOTALL)

_FAILED = 500


class OllamaErrors:
    """Maps one server's refusals to our errors; `hidden` texts (the key, the host) never show in them."""

    def __init__(self, *, upstream: str, hidden: tuple[str, ...]) -> None:
        self.upstream = upstream
        self._table = ErrorTable(upstream=upstream, hidden=hidden)

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error for an answer of `status`; `body` may be cut, HTML, or empty."""
        return self._error(_unwrapped(read_refusal(body)), status=status, model=model, headers=headers)

    def error_within(self, error: Any, *, status: int | None, model: str) -> MemoryOSError:
        """Return the error that came inside a 200; without a status it is a failure of the server, but for a model."""
        refusal = _unwrapped(refusal_of({"error": error}))
        if status is None:
            status = 404 if _NO_MODEL.search(refusal.message[:_LOOKED_AT]) else _FAILED
        return self._error(refusal, status=status, model=model)

    def _error(
        self, refusal: Refusal, *, status: int, model: str, headers: Mapping[str, str] | None = None
    ) -> MemoryOSError:
        text = refusal.message[:_LOOKED_AT]
        if status >= 400 and _TOO_LONG.search(text):
            refusal, status = msgspec.structs.replace(refusal, code="context_length_exceeded"), 400
        elif status == 429 and _NO_QUOTA.search(text):
            refusal = msgspec.structs.replace(refusal, code="insufficient_quota")
        return self._table.error_of(refusal, status=status, model=model, headers=headers)


def _unwrapped(refusal: Refusal) -> Refusal:
    """The runner's own error comes as JSON inside the text."""
    inner = read_refusal(refusal.message.encode()) if refusal.message.startswith("{") else refusal
    return inner if inner.message else refusal
