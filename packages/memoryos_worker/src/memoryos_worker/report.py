"""How the commands print: aligned and plain for people, one JSON document for programs."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from memoryos_ports.dead_letters import DeadLetter
from memoryos_ports.events import QueueStats

ERROR_WIDTH = 72
"""How many characters of an error people are shown."""

_UNTOLD: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a letter failed that does not say so, as one that a person has typed may not."""

_HEADINGS = ("ID", "SOURCE ID", "EVENT", "USER", "ATTEMPTS", "FAILED AT", "ERROR")


class LetterAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter for programs; a payload that is not UTF-8 is there in base64, and null is what it does not say."""

    id: str
    source: str
    source_id: str
    event_id: str | None
    tenant_id: str | None
    user_id: str | None
    attempts: int
    failed_at: datetime | None
    error: str
    payload: str
    payload_encoding: Literal["utf-8", "base64"]


def letters_as_json(letters: Sequence[DeadLetter]) -> str:
    """Return dead letters as one JSON array."""
    return msgspec.json.encode([_answer(letter) for letter in letters]).decode()


def letters_as_table(letters: Sequence[DeadLetter]) -> str:
    """Return dead letters as aligned columns, without their payloads; what could steer a terminal is shown as ``?``."""
    if not letters:
        return "no dead letters"
    rows = [_HEADINGS, *(_row(letter) for letter in letters)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def stats_as_json(stats: QueueStats) -> str:
    """Return the state of the queue as one JSON object, with the names of `QueueStats`."""
    return msgspec.json.encode(stats).decode()


def stats_as_table(stats: QueueStats) -> str:
    """Return the state of the queue, a figure on each line."""
    figures = {"waiting": str(stats.length), "oldest": f"{stats.oldest_age_s:.1f} s", "dead": str(stats.dead)}
    width = max(map(len, figures.values()))
    return "\n".join(f"{name:<8}{figure:>{width}}" for name, figure in figures.items())


def _row(letter: DeadLetter) -> tuple[str, ...]:
    return (
        _plain(letter.id),
        _plain(letter.source_id),
        _plain(letter.event_id or "-"),
        _plain(letter.user_id or "-"),
        str(letter.attempts),
        "-" if letter.failed_at == _UNTOLD else letter.failed_at.isoformat(timespec="seconds"),
        _shortened(_plain(letter.error)),
    )


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _shortened(text: str) -> str:
    return text if len(text) <= ERROR_WIDTH else text[: ERROR_WIDTH - 1] + "…"


def _answer(letter: DeadLetter) -> LetterAnswer:
    payload, encoding = _text_of(letter.payload)
    return LetterAnswer(
        id=letter.id,
        source=letter.source,
        source_id=letter.source_id,
        event_id=letter.event_id,
        tenant_id=letter.tenant_id,
        user_id=letter.user_id,
        attempts=letter.attempts,
        failed_at=None if letter.failed_at == _UNTOLD else letter.failed_at,
        error=letter.error,
        payload=payload,
        payload_encoding=encoding,
    )


def _text_of(payload: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return payload.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(payload).decode(), "base64"
