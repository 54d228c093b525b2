"""Cutting a turn into clauses that may be taken at their word."""

import re
from collections.abc import Iterator

import msgspec

from memoryos_core.extraction.han import SIMPLIFY

HIDDEN = "\ufffc"
"""Stands, character for character, for what the speaker does not say: code, quotations, other voices."""

MAX_CLAUSE_CHARS = 300
"""A longer clause is nothing that somebody says of himself in passing; it bounds the work of the patterns too."""

# Full-width forms and typographic apostrophes, one to one, so that offsets stay those of the turn.
_FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x2018: 0x27, 0x2019: 0x27, 0x3000: 0x20} | SIMPLIFY

_CODE = r"```.*?(?:```|\Z)|`[^`\n]*`"
_QUOTED = r"\"[^\"\n]*\"|[“„«][^”“»\n]*[”“»]|「[^」\n]*」|『[^』\n]*』"
_QUOTED_LINE = r"^[ \t]*>[^\n]*"
_OTHER_VOICE = r"^[ \t]*(?:[-*][ \t]+)?[^\W\d_][\w .]{0,24}:[ \t]*\S[^\n]*"
_ACTION = r"\*[^*\n]+\*"
_ASIDE = re.compile(
    "|".join((_CODE, _QUOTED, _QUOTED_LINE, _OTHER_VOICE, _ACTION, r"https?://\S+")), re.DOTALL | re.MULTILINE
)
_SENTENCE_END = re.compile(r"[!?;。…\n]+|\.+(?=\s|$)")


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """How a language shows that words are not to be taken as a statement of the speaker.

    From `tasks` on the turn is material to work on; `jests` takes back the whole turn. A sentence that ends in a
    question mark and begins with `asks`, or ends in the clause `tags`, asks throughout. After `doubts` nothing in the
    sentence is taken, and nothing in a clause that holds `open`. Where a clause is one of the `reports` ("said the
    girl"), the sentence is somebody else's. `breaks` is where a clause begins or ends.
    """

    tasks: re.Pattern[str]
    jests: re.Pattern[str]
    asks: re.Pattern[str]
    tags: re.Pattern[str]
    doubts: re.Pattern[str]
    open: re.Pattern[str]
    reports: re.Pattern[str]
    breaks: re.Pattern[str]


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """The stretch ``text[start:end]`` of a turn; `first` when it opens its sentence."""

    start: int
    end: int
    first: bool


def fold(text: str) -> str:
    """Return the text in half-width forms and simplified characters, asides hidden; as long as before."""
    return _ASIDE.sub(lambda match: HIDDEN * len(match[0]), text.translate(_FOLD))


def clauses(text: str, guards: Guards) -> Iterator[Clause]:
    """Yield the clauses of a folded text that the guards let pass, in order."""
    if guards.jests.search(text):
        return
    task = guards.tasks.search(text)
    at, stop = 0, task.start() if task else len(text)
    for end in (*_SENTENCE_END.finditer(text), None):
        last = end.start() if end else len(text)
        if last > stop:
            return
        yield from _trusted(text, at, last, guards, asked=end is not None and "?" in end[0])
        at = end.end() if end else last


def _trusted(text: str, start: int, end: int, guards: Guards, *, asked: bool) -> Iterator[Clause]:
    spans = list(_split(text, start, end, guards.breaks))
    if asked:
        if not spans or guards.asks.match(text, *spans[0]) or guards.tags.fullmatch(text, *spans[-1]):
            return
        spans.pop()
    if any(guards.reports.fullmatch(text, *span) for span in spans):
        return
    for number, span in enumerate(spans):
        if guards.doubts.search(text, start, span[1]):
            return
        if span[1] - span[0] <= MAX_CLAUSE_CHARS and not guards.open.search(text, *span):
            yield Clause(start=span[0], end=span[1], first=number == 0)


def _split(text: str, start: int, end: int, breaks: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for cut in (*breaks.finditer(text, start, end), None):
        last = cut.start() if cut else end
        words = text[start:last]
        if bare := words.strip():
            begin = start + words.index(bare)
            yield begin, begin + len(bare)
        start = cut.end() if cut else last
