"""Whether a turn says when something was, and whether a question asks for it."""

import re

from memoryos_core.times.lexicon import CHINESE, LEXICON
from memoryos_core.times.phrases import names_time

_TELLING = frozenset(word for word, (code, _) in LEXICON.items() if code in "MwkfGa" and word not in CHINESE)
"""Words that say when by themselves."""

_UNITS = frozenset(word for word, (code, _) in LEXICON.items() if code in "ugs")
_POINTERS = frozenset(word for word, (code, _) in LEXICON.items() if code in "lPptxhj") | frozenset(
    map(str, range(2, 100))
)
_MAYBE = frozenset(word for word, (code, _) in LEXICON.items() if code == "m") | frozenset(map(str, range(1900, 2101)))
"""Words that say when or something else, by what stands beside them."""

_BLANKS = {ord(sign): " " for sign in ".,;:!?()[]{}\"'\u2019\u201c\u201d/\\*_-\u2013\u2014\n\t"}

_HAN = re.compile("[\u4e00-\u9fff]")

_AUXILIARY = "did|do|does|was|were|is|are|am|will|would|has|have|had|can|could|should"
_CLAUSE = "and|but|so|or|since|until|exactly|about|remember|know|me|say|said|is|was"

_ASKS_WHEN = re.compile(
    rf"""
    (?:^|[.,;:!?¿(]\s*|\b(?:{_CLAUSE})\ )when(?:['\u2019](?:s|d)\b|\ (?:exactly\ )?(?:{_AUXILIARY})\b|\s*\?|\s*$)
    |\b(?:what|which)\ (?:exact\ |specific\ )?(?:date|day|days|week|weekend|months?|years?|season|decade|time)\b
    |\bwhat(?:['\u2019]s|\ is|\ was)\ the\ (?:exact\ )?(?:date|day|month|year)\b
    |\bhow\ (?:many\ (?:minutes|hours|days|weeks|months|years)|long)
      \ (?:ago|before|after|has|have|had|since|until|passed)\b
    |\bhow\ (?:recently|soon)\b
    |什么时候|什么时间|何时|哪一?[天年月日周]|哪个(?:月|星期|季节)|几[月号点]|几[年天]前|多久[之以]?前|星期几|周几
    |\bwann\b|\ban\ welchem\ (?:tag|datum)|\bin\ welchem\ (?:jahr|monat)|\bwelches\ (?:jahr|datum)
    |\bvor\ wie\ vielen
    |\bcuándo\b|¿cuando\b|\bqué\ (?:día|fecha|mes|año)\b|\bhace\ cuánto
    """,
    re.VERBOSE | re.IGNORECASE,
)


def has_time_words(text: str) -> bool:
    """Return whether a turn itself says when: a day, a weekday, a month, a year, "last week", "two days ago", 昨天."""
    lowered = text.lower()
    words = lowered.translate(_BLANKS).split()
    if not _TELLING.isdisjoint(words):
        return True
    if not text.isascii() and _HAN.search(text):
        return names_time(text)
    pointing = not (_UNITS.isdisjoint(words) or _POINTERS.isdisjoint(words))
    return (pointing or not _MAYBE.isdisjoint(words)) and names_time(text)


def asks_when(text: str) -> bool:
    """Return whether a question asks for a time: when, which year, how long ago, 什么时候, wann, cuándo."""
    return _ASKS_WHEN.search(text) is not None
