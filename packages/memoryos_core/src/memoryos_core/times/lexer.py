"""From a text to the codes of time that the grammar reads; what says nothing about time becomes a full stop."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from memoryos_core.times.lexicon import CHINESE, LEXICON, Meaning

OTHER: Meaning = (".", 0)

_HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"\u3007": 0, "两": 2}
_HAN_NUMBER = "[二三]?十[一二三四五六七八九]?|[一二两三四五六七八九]"
_HAN_WORDS = "|".join(sorted(CHINESE, key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d"

_TOKEN = re.compile(
    rf"""
    [\s,'\u2019-]*+(?:
    (?P<word>[a-zß-öø-ÿ]++)(?!\d|(?<!mid)-\d)(?:\.(?=\ \d))?
    |(?P<iso>(?<![\d./-])\d{{4}}(?P<between>[-/.])\d{{1,2}}(?P=between)\d{{1,2}}(?![\d/-]|\.\d)(?:t[\d:.z+-]+)?)
    |(?P<numeric>(?<![\d./-])\d{{1,2}}(?P<among>[-/.])\d{{1,2}}(?P=among)\d{{4}}(?![\d/-]|\.\d))
    |(?P<year_month>(?<![\d./-]){_YEAR}-(?:0[1-9]|1[0-2])(?![\d-]))
    |(?P<years>(?<![\d./-]){_YEAR}[-\u2013]{_YEAR}(?![\d-]))
    |(?P<decade>(?:19|20)\d0(?:s(?![a-z])|er(?![a-z])|年代))
    |(?P<quarter>q[1-4])(?![a-z\d])
    |(?P<year>{_YEAR})(?=q[1-4](?![a-z\d])|年)年?
    |(?P<han_year>[一二][\u3007零一二三四五六七八九]{{3}})年
    |(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月份?
    |(?P<day>\d{{1,2}}|{_HAN_NUMBER})[日号]
    |(?P<weekday>(?<![一二两三四五六七八九十每\d])(?:上上|上|下|这|本)?个?(?:周|星期|礼拜)[一二三四五六日天])
    |[$€£¥\#№+]\ ?\d[\d.,]*
    |\d+(?:[.,:/-]\d+)+[a-z]*|\d+[%€$£]|[a-z]+-?\d[\w-]*
    |(?P<number>\d{{1,4}})(?P<ordinal>st|nd|rd|th|\.(?=\ ?[a-z]))?(?![a-z\d])
    |(?P<han>{_HAN_WORDS})
    |(?P<han_number>{_HAN_NUMBER})
    |[^\s,'\u2019-])
    """,
    re.VERBOSE,
)


def read_tokens(text: str) -> Iterator[Meaning]:
    """Yield the meaning of each word, number and sign; adjacent ones belong together, `OTHER` divides.

    Besides the codes of the lexicon: `y` a year, `Y` years (value 10,000 * first + last), `q` a quarter (1..4),
    `o` a day of a month, `D` a date (value yyyymmdd), `K` a month (yyyymm), `W` a weekday of a week
    (days from this week's Monday). Time is linear in the text's length.
    """
    known = LEXICON.get
    for found in _TOKEN.finditer(text.lower()):
        kind = found.lastgroup
        if kind == "word" or kind == "han":
            meaning = known(found[kind], OTHER)
            if meaning[0] != " ":
                yield meaning
        else:
            yield _number(found) if kind in ("number", "ordinal") else _READERS[kind](found[kind]) if kind else OTHER


def _number(found: re.Match[str]) -> Meaning:
    value = int(found["number"])
    if len(found["number"]) == 4:
        return ("y", value) if 1900 <= value <= 2100 and not found["ordinal"] else OTHER
    return ("o" if found["ordinal"] else "n", value)


def _iso(text: str) -> Meaning:
    year, month, day = map(int, re.split(r"[-/.]", text.partition("t")[0]))
    return _date(year, month, day)


def _numeric(text: str) -> Meaning:
    """Read 25/12/2023 or 12/25/2023; 12/05/2023 may be either; with full stops the day comes first."""
    first, second, year = map(int, re.split(r"[-/.]", text))
    if "." in text or first > 12 or first == second:
        return _date(year, second, first)
    return _date(year, first, second) if second > 12 else OTHER


def _date(year: int, month: int, day: int) -> Meaning:
    try:
        datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return OTHER
    return ("D", 10_000 * year + 100 * month + day)


def _weekday(text: str) -> Meaning:
    """Read 周一, a Monday, or 上周一, the Monday of last week."""
    day = 6 if text[-1] in "日天" else _HAN_DIGITS[text[-1]] - 1
    if text[0] in "周星礼个":
        return ("w", day)
    week = -2 if text.startswith("上上") else {"上": -1, "下": 1}.get(text[0], 0)
    return ("W", 7 * week + day)


def _han_number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    return _HAN_DIGITS.get(ones, 0) + (10 * _HAN_DIGITS.get(tens, 1) if ten else 0)


_READERS: dict[str, Callable[[str], Meaning]] = {
    "iso": _iso,
    "numeric": _numeric,
    "year_month": lambda text: ("K", int(text.replace("-", ""))),
    "years": lambda text: ("Y", 10_000 * int(text[:4]) + int(text[5:9])),
    "decade": lambda text: ("Y", 10_000 * int(text[:4]) + int(text[:4]) + 9),
    "quarter": lambda text: ("q", int(text[1])),
    "year": lambda text: ("y", int(text)),
    "han_year": lambda text: ("y", int("".join(str(_HAN_DIGITS[digit]) for digit in text))),
    "month": lambda text: ("M", _han_number(text)),
    "day": lambda text: ("o", _han_number(text)),
    "weekday": _weekday,
    "han_number": lambda text: ("j", _han_number(text)),
}
