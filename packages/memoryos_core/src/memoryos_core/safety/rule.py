"""A rule by which a text looks like an instruction to a model, in one small notation."""

import re
from typing import NamedTuple


class Rule(NamedTuple):
    """`name` is what the text tries, `words` are those of which it must hold one, `notation` then decides.

    A notation is a regular expression over lower case in which ``~`` is the gap between two words, and ``…`` are up
    to four words in between.
    """

    name: str
    words: str
    notation: str

    def apart(self) -> re.Pattern[str]:
        """Return the expression for words with gaps between them."""
        return re.compile(_with_gaps(self.notation), re.DOTALL)

    def together(self) -> re.Pattern[str]:
        """Return the expression for the same words written as one."""
        bare = re.sub(r"\\w\+~|…", r"\\w{0,12}?", self.notation).replace(r"\b", "").replace("~", "")
        return re.compile(bare, re.DOTALL)


def _with_gaps(notation: str) -> str:
    words = notation.replace("…", r"(?:\w+~){0,4}?").replace(r"\w+~", r"[^\W_]++~")
    return words.replace("~", r"(?:[\W_]{1,6})")
