"""Whether a text looks like an instruction to the model that hides in what is remembered."""

import re

from memoryos_core.safety import english, formats, languages
from memoryos_core.safety.folding import readings, spelled_out

_ALL = (*formats.RULES, *english.RULES, *languages.RULES)
_RULES = [(rule.name, rule.words.split(), rule.apart()) for rule in _ALL]
_SPELLED_RULES = [(rule.name, rule.together()) for rule in _ALL]

_WINDOW_CHARS = 16 * 1024
_OVERLAP_CHARS = 2 * 1024
"""More than any rule spans."""

_FLAG_EMOJI = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
_HIDDEN = re.compile(
    "[\U000e0020-\U000e007f\u202d\u202e]|(?:[a-z][\u200b\u2060\ufeff\u180e]{1,3}){3}"
    "|[\u200b-\u200d\u2060-\u2064\ufeff]{6}",
    re.IGNORECASE,
)


def find_instructions(text: str) -> str | None:
    """Return the name of the rule by which a text looks like an instruction to the model, None for most texts.

    Case, width, line breaks, look-alike letters, invisible characters and l e t t e r s a p a r t do not matter.
    It is a sieve, not a proof: what passes is still quoted as data wherever it is shown to a model. A hostile megabyte
    takes seconds, in steps of a few milliseconds: long texts are for a thread of their own.
    """
    if not text.isascii() and _HIDDEN.search(_FLAG_EMOJI.sub("", text)):
        return "hidden_text"
    for reading in readings(text):
        if (found := _rule_of(reading)) is not None:
            return found
        for letters in spelled_out(reading):
            if (found := _spelled_rule_of(letters)) is not None:
                return found
    return None


def _rule_of(text: str) -> str | None:
    """Return the first rule that decides so; most are ruled out by the words that they need."""
    apt = [(name, rule) for name, words, rule in _RULES if any(map(text.__contains__, words))]
    for start in range(0, len(text), _WINDOW_CHARS):  # a search lets no other thread work until it is done
        for name, rule in apt:
            if rule.search(text, start, start + _WINDOW_CHARS + _OVERLAP_CHARS):
                return name
    return None


def _spelled_rule_of(letters: str) -> str | None:
    for start in range(0, len(letters), _WINDOW_CHARS):
        for name, rule in _SPELLED_RULES:
            if rule.search(letters, start, start + _WINDOW_CHARS + _OVERLAP_CHARS):
                return name
    return None
