"""Checking what a language model answered against the turns that it was asked about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from memoryos_core.extraction.extract import MAX_VALUE_CHARS
from memoryos_core.extraction.prompts import seen_text
from memoryos_core.extraction.schema import (
    MAX_KEYWORDS,
    MAX_STATEMENTS,
    MAX_SUMMARY_CHARS,
    Extraction,
    WireExtraction,
    WireStatement,
)
from memoryos_core.extraction.slots import is_slot
from memoryos_core.extraction.statement import Statement
from memoryos_core.extraction.words import extract_words, normalise
from memoryos_ports.memory import Page

MAX_QUOTE_CHARS = 300
NEARLY = 0.8
"""Share of a value's words that have to occur in the turn it is said to come from."""

LLM_CONFIDENCE = 0.85


def check_answer(answer: str, pages: Sequence[Page]) -> Extraction | list[str]:
    """Return what an answer says of the turns, or all its faults in words that help to mend it."""
    try:
        wire = msgspec.json.decode(answer, type=WireExtraction)
    except (msgspec.DecodeError, UnicodeError) as exc:
        return [f"it is not the JSON object that was asked for: {exc}"]
    faults = _faults(wire)
    for number, statement in enumerate(wire.statements):
        faults += [f"statements[{number}]: {fault}" for fault in _statement_faults(statement, pages)]
    if faults:
        return faults
    return Extraction(
        summary=wire.summary.strip(),
        keywords=tuple(wire.keywords),
        statements=tuple(_statement(statement, pages[statement.turn]) for statement in wire.statements),
    )


def _faults(wire: WireExtraction) -> list[str]:
    checks = {
        "summary is empty": not wire.summary.strip(),
        f"summary has more than {MAX_SUMMARY_CHARS} characters": len(wire.summary) > MAX_SUMMARY_CHARS,
        f"there are more than {MAX_KEYWORDS} keywords": len(wire.keywords) > MAX_KEYWORDS,
        "a keyword is empty or too long": any(not 0 < len(word.strip()) <= MAX_VALUE_CHARS for word in wire.keywords),
        f"there are more than {MAX_STATEMENTS} statements": len(wire.statements) > MAX_STATEMENTS,
    }
    return [fault for fault, found in checks.items() if found]


def _statement_faults(statement: WireStatement, pages: Sequence[Page]) -> list[str]:
    if not 0 <= statement.turn < len(pages):
        return [f"there is no turn {statement.turn}"]
    page = pages[statement.turn]
    checks = {
        f"turn {statement.turn} is not of role user": page.role != "user",
        f"there is no slot {statement.slot!r}": statement.slot is not None and not is_slot(statement.slot),
        f"value must have 1-{MAX_VALUE_CHARS} characters": not 0 < len(statement.value.strip()) <= MAX_VALUE_CHARS,
        f"quote must have 1-{MAX_QUOTE_CHARS} characters": not 0 < len(statement.quote.strip()) <= MAX_QUOTE_CHARS,
        f"value does not occur in turn {statement.turn}": not _occurs(statement.value, seen_text(page)),
        f"quote does not occur in turn {statement.turn}": not _occurs(statement.quote, seen_text(page)),
        "since must be a date YYYY-MM-DD, not later than the turn, or null": not _is_past(statement.since, page),
    }
    return [fault for fault, found in checks.items() if found]


def _occurs(said: str, text: str) -> bool:
    """Return whether words occur in a text, literally or nearly."""
    if normalise(said) in normalise(text):
        return True
    words, there = extract_words(said), set(extract_words(text))
    return bool(words) and sum(word in there for word in words) / len(words) >= NEARLY


def _is_past(since: str | None, page: Page) -> bool:
    try:
        return since is None or _day(since) <= page.timestamp + timedelta(days=1)
    except ValueError:
        return False


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def _statement(wire: WireStatement, page: Page) -> Statement:
    return Statement(
        text=wire.quote.strip(),
        value=wire.value.strip(),
        valid_from=_day(wire.since) if wire.since else page.timestamp,
        said_at=page.timestamp,
        source=page.id,
        subject=wire.subject,
        speaker=page.name,
        slot=wire.slot,
        ended=wire.ended,
        confidence=LLM_CONFIDENCE,
    )
