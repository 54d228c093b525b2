"""A stated estimate of tokens, for providers that do not count."""

import math

_ASCII_CHARACTERS_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """Return about how many tokens `text` is: four ASCII characters or one other character (CJK, emoji) each."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    return math.ceil(ascii_characters / _ASCII_CHARACTERS_PER_TOKEN) + len(text) - ascii_characters
