"""Words of a text as index terms: the same on both sides of a search, in every adapter that ranks by BM25."""

import re
import threading
import unicodedata
import zlib
from functools import lru_cache

import Stemmer  # type: ignore[import-not-found]  # PyStemmer is one binary, without stubs

MAX_TERM_LENGTH = 64

_FUNCTION_WORDS = """
    a about am an and are as at be been being but by can could did do does doing for from had has have having he her
    hers herself him himself his how i if in into is it its itself just me my myself no nor not of on or our ours
    ourselves she should so than that the their theirs them themselves then there these they this those to too very
    was we were what when where which while who whom whose why will with would you your yours yourself yourselves
"""
_STOP_WORDS = frozenset(_FUNCTION_WORDS.split())

# Scripts whose words are not set apart by spaces, and Hangul, whose particles stick to the word.
_UNSPACED = (
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # kana, bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Hangul
)
# `\w` leaves out combining marks, without which words of many scripts fall apart.
_MARKS = "".join(chr(code) for code in range(0x0300, 0x1B00) if unicodedata.category(chr(code)).startswith("M"))
_WORD = re.compile(rf"([{_UNSPACED}]+)|[^\W_{_UNSPACED}](?:[^\W_{_UNSPACED}]|[{_MARKS}])*")
_ENGLISH_CLITIC = re.compile(r"(?<=\w)['\u2019](?:s|t|d|m|ll|re|ve)\b")


def extract_terms(text: str) -> list[str]:
    """Return the terms of `text`, in order, repeated as often as they occur. Never raises.

    A term is a word or number, case and compatibility forms folded, cut at 64 characters, without English stop words,
    stemmed by Snowball's English stemmer. Runs of CJK give their character bigrams, a lone CJK character itself.
    """
    terms: list[str] = []
    for match in _WORD.finditer(_ENGLISH_CLITIC.sub(" ", _fold(text))):
        if match[1] is not None:
            terms += _bigrams(match[1])
        elif (word := match[0][:MAX_TERM_LENGTH]) not in _STOP_WORDS:
            terms.append(_stem(word))
    return terms


def hash_term(term: str) -> int:
    """Return the index of a term in a sparse vector: its CRC-32, 0..2**32-1, the same for ever."""
    return zlib.crc32(term.encode())


def _fold(text: str) -> str:
    """Return `text` without differences of case and compatibility form (Unicode 3.13, D146, less the NFD)."""
    if text.isascii():
        return text.lower()
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text.casefold())
    return text


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


class _Stemmers(threading.local):
    """A stemmer per thread: one is not to be used by two at a time. Its own cache is off, `_stem` has a better one."""

    def __init__(self) -> None:
        self.english = Stemmer.Stemmer("english", 0)


_STEMMERS = _Stemmers()


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    stemmed: str = _STEMMERS.english.stemWord(word)
    return stemmed
