"""A light tokeniser for summaries, keywords and comparisons: words as they are written, CJK as character bigrams."""

import re
import unicodedata

CJK = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Ranges of a character class: scripts whose words are not set apart by spaces."""

_WORD = re.compile(rf"([{CJK}]+)|[^\W_{CJK}]+(?:['\u2019-][^\W_{CJK}]+)*")
_ARTICLE = re.compile(r"^(?:an?|the|some|my)\s+")
_ENDS = r"\u3002\uff01\uff1f\uff1b\u2026"  # ideographic full stop, full-width ! ? ;, ellipsis
_CLOSERS = r"\u201d\u2019\u300d\u300f\uff09"
_BETWEEN_SENTENCES = re.compile(
    rf"\n+|(?:(?<=[.!?;])|(?<=[.!?;][\"'){_CLOSERS}]))\s+"
    rf"|(?<=[{_ENDS}])(?![{_ENDS}{_CLOSERS}])|(?<=[{_ENDS}][{_CLOSERS}])(?![{_ENDS}{_CLOSERS}])"
)
_PUNCTUATION = (
    " .,;:!?'\"()\u201c\u201d\u2018\u2019"
    "\u3002\uff0c\uff01\uff1f\u3001\uff08\uff09\u300c\u300d"  # of CJK
)

_FUNCTION_WORDS = """
    a about actually after again all also always am an and any anything are as at back be because been before being but
    by can can't could did didn't do does doesn't doing don't done down even ever every for from get gets getting go
    goes going gonna good got great had has have haven't having he he's hello her here hey hi him his how i i'd i'll
    i'm i've if in into is isn't it it's its just know let's like likes lot make makes many me more most much my need
    new no not now of off oh ok okay on one only or other our out over own please really right said say see she she's
    should so some something still such sure take than thank thanks that that's the their them then there there's these
    they they're thing things think this those though time to too try up us use very want wants was way we we're we've
    well went were what what's when where which while who why will with would wow yeah yes yet you you're you've your
    aber als auch auf aus bei bin bist da das dass dem den der des die du ein eine einen er es für haben hat ich im in
    ist ja kann mein meine mich mir mit nicht noch nur oder schon sehr sich sie sind so um und uns von vor war was wenn
    wie wir wird zu zum zur al como con de del el ella en era es esta este está ha hay la las le lo los me mi muy no
    nos para pero por que qué se ser si sin son soy su también te tengo un una y ya yo
    我们 你们 他们 她们 这个 那个 一个 什么 怎么 可以 没有 不是 就是 因为 所以 但是 如果 还是 自己 知道 觉得 现在 时候
    这样 那么 已经 真的 一下 一些 这些 那些 不过 而且 然后 也是 都是 还有 的话 我的 你的 他的 她的 的时 是我 我在 是一
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())


def extract_words(text: str) -> list[str]:
    """Return the words in order, case and compatibility forms folded; a run of CJK as its bigrams."""
    words: list[str] = []
    for match in _WORD.finditer(_fold(text)):
        run = match[1]
        words += [match[0]] if run is None else [run[i : i + 2] for i in range(len(run) - 1)] or [run]
    return words


def content_words(text: str) -> list[str]:
    """Return the words that carry meaning: no function words, no single letters, no bare numbers."""
    return [word for word in extract_words(text) if word not in STOP_WORDS and len(word) > 1 and not word.isdigit()]


def split_sentences(text: str) -> list[str]:
    """Return the sentences, verbatim and stripped, CJK included; line ends end a sentence too."""
    return [sentence for part in _BETWEEN_SENTENCES.split(text) if (sentence := part.strip())]


def normalise(value: str) -> str:
    """Return a value without what does not tell two values apart: case, widths, outer punctuation, articles, spaces."""
    bare = " ".join(_fold(value).split()).strip(_PUNCTUATION)
    return _ARTICLE.sub("", bare)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
