"""The answer that a language model is asked for: its JSON schema, and the structs that it is decoded into."""

from typing import Any

import msgspec

from memoryos_core.extraction.statement import Statement
from memoryos_ports.knowledge import FactSubject

MAX_SUMMARY_CHARS = 1_000
MAX_KEYWORDS = 12
MAX_STATEMENTS = 60


class WireStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement as the model writes it: `turn` is the number of the turn that says it, `quote` its words there."""

    turn: int
    subject: FactSubject
    slot: str | None
    value: str
    quote: str
    ended: bool
    since: str | None


class WireExtraction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole answer of the model."""

    summary: str
    keywords: tuple[str, ...]
    statements: tuple[WireStatement, ...]


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt from a batch of turns, checked."""

    summary: str
    keywords: tuple[str, ...]
    statements: tuple[Statement, ...]


def response_format() -> dict[str, Any]:
    """Return the strict `response_format` of the OpenAI dialect."""
    return {"type": "json_schema", "json_schema": {"name": "memory", "strict": True, "schema": _SCHEMA}}


def _closed(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object as strict mode wants it: every property required, no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_SCHEMA = _closed(
    summary=_TEXT,
    keywords={"type": "array", "items": _TEXT},
    statements={
        "type": "array",
        "items": _closed(
            turn={"type": "integer"},
            subject={"type": "string", "enum": ["user", "agent"]},
            slot=_TEXT_OR_NULL,
            value=_TEXT,
            quote=_TEXT,
            ended={"type": "boolean"},
            since=_TEXT_OR_NULL,
        ),
    },
)
