"""The periods that a text names: a small grammar over the codes of its words."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from memoryos_core.times import relative
from memoryos_core.times.explicit import Values, explicit, week_of
from memoryos_core.times.lexer import read_tokens
from memoryos_core.times.lexicon import Meaning
from memoryos_core.times.period import Period, Unit

MAX_CHARS = 4096
"""How much of a text is read."""


def find_periods(text: str, *, asked_at: datetime) -> list[Period]:
    """Return the periods that a text names, in the order of their mention, each once.

    Relative ones ("last week", 昨天) and months without a year are read against `asked_at` (naive means UTC), by
    the calendar in UTC, weeks from Monday. "In May", "on Monday" are the latest that began before `asked_at`.
    What no calendar holds (30 February) is left out; numbers, prices and versions are no times.
    """
    tokens = list(read_tokens(text[:MAX_CHARS]))
    found = _PHRASE.finditer("".join([code for code, _ in tokens]))
    now = _in_utc(asked_at)
    periods = [_read(match.lastindex or 1, tokens[match.start() : match.end()], now) for match in found]
    return list(dict.fromkeys(period for period in periods if period is not None))


def names_time(text: str) -> bool:
    """Return whether a text names any period, or how many weeks, months or years something took."""
    tokens = list(read_tokens(text[:MAX_CHARS]))
    if _PHRASE.search("".join([code for code, _ in tokens])):
        return True
    return any(a in "nj" and b == "u" and unit >= Unit.WEEK for (a, _), (b, unit) in pairwise(tokens))


def _read(rule: int, tokens: Sequence[Meaning], now: datetime) -> Period | None:
    try:
        if rule == 1:
            return relative.beside(tokens, now)
        return _RULES[rule - 2][1](dict(tokens), now)
    except (ValueError, OverflowError):  # a day or a year that the calendar does not have
        return None


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


_YEAR = "(?:i?(?:y|O|[ltx]u|uP))"
_DAY = f"(?:D|w?[no][mM]{_YEAR}?|w?[mM][no]{_YEAR}?|{_YEAR}[mM][no])"
_MONTH = f"(?:[mM]{_YEAR}|{_YEAR}i?[mM])"
_EXPLICIT = f"(?:{_DAY}|{_MONTH}|[sq]{_YEAR}|{_YEAR}[sq]|[sq]|[YK]|y(?![zu])|M)"
_BESIDE = f"(?:[nj]{{0,2}}u|k|w)[bhA](?:{_EXPLICIT}|f)|u(?:bl|Ax)(?!u)"

_RULES: tuple[tuple[str, Callable[[Values, datetime], Period]], ...] = (
    (f"e(?:{_MONTH}|[mM]|y|O|[ltx]u|uP)|(?:{_MONTH}|M|yu?|Ou?|[ltx]u)e", relative.part),
    (f"u{_DAY}", week_of),
    ("[ltx]M|[lx]m|[ltx]s|[mMs]P", relative.named),
    (f"{_EXPLICIT}|(?<=[ibhA])m", explicit),
    ("[nj]{1,2}ua|h[nj]{1,2}u", relative.ago),
    ("[lp][nj]{1,2}u|pu", relative.rolling),
    ("[ltx]u|uP", relative.unit_beside_now),
    ("[ltx]w|wP|w", relative.weekday),
    ("W", relative.weekday_of_week),
    ("[ltx]k|kP|k", relative.weekend),
    ("[lt]g", relative.day_part),
    ("fg?", relative.relative_day),
    ("G", relative.evening),
    ("O", relative.of_years),
    ("Io(?![mM])", relative.day_of_month),
)
_PHRASE = re.compile("|".join(f"({pattern})" for pattern in (_BESIDE, *(pattern for pattern, _ in _RULES))))
