"""Statements from turns by rules alone."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from memoryos_core.extraction.clauses import HIDDEN, Clause, clauses, fold
from memoryos_core.extraction.rules.registry import LANGUAGES
from memoryos_core.extraction.rules.rule import Language, Rule
from memoryos_core.extraction.statement import Statement
from memoryos_core.times.phrases import find_periods
from memoryos_ports.knowledge import FactSubject
from memoryos_ports.memory import Page

MAX_CHARS = 4_000
"""A longer turn is a pasted document more often than somebody's words: the rules leave it alone."""

MAX_VALUE_CHARS = 80

DATED_SLOTS = frozenset({"location", "employer", "marital", "diet"})
"""What somebody says since when it is so."""


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """A match of a rule; `start` is where the clause, or the one it continues, begins."""

    rule: Rule
    match: re.Match[str]
    values: list[str]
    start: int
    end: int


def extract_statements(page: Page) -> list[Statement]:
    """Return what the turn states, in order, each thing once; nothing for a turn that is not the user's.

    The speaker ("I") is the page's `name` where it has one.
    """
    if page.role != "user" or len(page.text) > MAX_CHARS:
        return []
    text = fold(page.text)
    found = [
        statement
        for language in LANGUAGES
        if language.script.search(text)
        for item in _matches(text, language)
        for statement in _statements(page, item, language)
    ]
    return list({(statement.key, statement.ended): statement for statement in reversed(found)}.values())[::-1]


def extract_all(pages: Iterable[Page]) -> list[Statement]:
    """Return the statements of all pages, in the order of the pages."""
    return [statement for page in pages for statement in extract_statements(page)]


def find_value(text: str, *, slot: str, subject: FactSubject = "user") -> str | None:
    """Return the last value that rules find for a slot in a text; None when it states none."""
    folded = fold(text)
    values = [
        _as_said(value, text, found)
        for language in LANGUAGES
        for found in _matches(folded, language)
        if not found.rule.ended and (found.rule.subject, _slot(found, language)) == (subject, slot)
        for value in found.values
    ]
    return values[-1] if values else None


def _matches(text: str, language: Language) -> Iterator[_Found]:
    topic: int | None = None
    for clause in clauses(text, language.guards):
        topic = None if clause.first else topic
        found = [item for rule in language.rules for item in _apply(rule, text, clause, topic, language)]
        yield from found
        about_speaker = any(item.rule.speaks_of_speaker for item in found)
        topic = (clause.start if topic is None else topic) if about_speaker else None


def _apply(rule: Rule, text: str, clause: Clause, topic: int | None, language: Language) -> Iterator[_Found]:
    for match in _occurrences(rule, text, clause):
        continues = match.groupdict().get("me", "") is None
        if (continues and topic is None) or HIDDEN in match[0]:
            continue
        if values := [value for value in _values(text, match, rule, language) if _is_good(value, rule)]:
            start = topic if continues and topic is not None else clause.start
            yield _Found(rule=rule, match=match, values=values, start=start, end=clause.end)


def _occurrences(rule: Rule, text: str, clause: Clause) -> Iterator[re.Match[str]]:
    if rule.inside:
        yield from rule.pattern.finditer(text, clause.start, clause.end)
    elif match := rule.pattern.fullmatch(text, clause.start, clause.end):
        yield match


def _values(text: str, match: re.Match[str], rule: Rule, language: Language) -> list[str]:
    if rule.value:
        return [rule.value]
    said = text[slice(*match.span("value"))]
    return [part.strip() for part in language.lists.split(said)] if rule.listed else [said.strip()]


def _is_good(value: str, rule: Rule) -> bool:
    return 0 < len(value) <= MAX_VALUE_CHARS and not (rule.rejects and rule.rejects.match(value))


def _statements(page: Page, found: _Found, language: Language) -> Iterator[Statement]:
    rule = found.rule
    for value in found.values:
        yield Statement(
            text=page.text[found.start : found.end],
            value=_as_said(value, page.text, found),
            valid_from=_holds_from(page, found),
            said_at=page.timestamp,
            source=page.id,
            subject=rule.subject,
            speaker=page.name,
            slot=_slot(found, language),
            ended=rule.ended,
            confidence=rule.confidence,
        )


def _holds_from(page: Page, found: _Found) -> datetime:
    """Return the one moment that the clause names around its value, if it is past, else that of the turn."""
    if found.rule.slot not in DATED_SLOTS or found.rule.ended or found.rule.value:
        return page.timestamp
    start, end = found.match.span("value")
    around = f"{page.text[found.start : start]} . {page.text[end : found.end]}"
    periods = find_periods(around, asked_at=page.timestamp)
    return min(periods[0].start, page.timestamp) if len(periods) == 1 else page.timestamp


def _as_said(value: str, text: str, found: _Found) -> str:
    """Return the value in the characters of the turn: the rules saw it folded."""
    at = found.match.string.find(value, found.match.start())
    return value if found.rule.value or at < 0 else text[at : at + len(value)]


def _slot(found: _Found, language: Language) -> str:
    if not found.rule.slot.endswith(":"):
        return found.rule.slot
    kind = " ".join(found.match["kind"].casefold().split())
    return found.rule.slot + language.kinds.get(kind, kind)
