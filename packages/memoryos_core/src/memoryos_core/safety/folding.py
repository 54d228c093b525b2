"""A text as a model would understand it, whatever was done to its letters to get past a word list."""

import re
import unicodedata
from collections.abc import Iterator

_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u051b\u051d\u043c\u0442\u043d"
    "\u043a\u0432\u0433\u03b1\u03b5\u03bf\u03c1\u03bd\u03b9\u03ba\u03c4\u03c5\u03c7\u0131\u0251\u0261",
    "aeopcyxijsdhqwmthkbraeopviktuxiag",
)
"""Small letters of the Cyrillic, Greek and phonetic alphabets that look Latin."""

_LEET = str.maketrans("013457@$", "oieastas")
_LEET_WORD = re.compile(r"(?<![a-z\d.-])[a-z]{1,8}[013457]{1,2}[a-z]{2}")
_SPACED = re.compile(r"(?:(?<![^\W_])[^\W_][\W_]{1,3}){7,}[^\W_](?![^\W_])")
_NO_LETTER = re.compile(r"[\W_]+")


def readings(text: str) -> Iterator[str]:
    """Yield the ways in which a text may be meant: folded; with look-alike letters of other alphabets made Latin;
    with digits read as letters ("1gn0re"). Each in lower case and compatibility form, invisible characters gone.
    """
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", _IGNORABLE.sub("", text)).casefold()
    yield folded
    latin = folded if text.isascii() else folded.translate(_LOOK_ALIKES)
    if latin != folded:
        yield latin
    if _LEET_WORD.search(latin):
        yield latin.translate(_LEET)


def spelled_out(folded: str) -> Iterator[str]:
    """Yield what is written letter by letter ("i g n o r e"), without its gaps."""
    for run in _SPACED.finditer(folded):
        yield _NO_LETTER.sub("", run[0])
