"""What the wording of a turn says about it, whatever is asked."""

import re

from memoryos_core.times import has_time_words

_READ_CHARS = 600
"""How much of a turn's text is read for its wording."""

_REACTION = re.compile(
    r"\W*(?:thanks|thank you|wow|great|awesome|congrats|congratulations|cool|nice|sounds|that's|yeah|yep|sure"
    r"|absolutely|definitely|glad|no problem|you're welcome|amazing|good)\b"
    r"|\W*(?:谢谢|哇|太好了|太棒了|好的|不客气|恭喜)",
    re.IGNORECASE,
)
_NAME = re.compile(r" (?<=[a-z,] )[A-Z][a-z]")
_INSTRUCTION = re.compile(
    r"""
    ^\W*(?:please\ )?(?:always|never|don['\u2019]t|do\ not|make\ sure|remember\ to)\b
    |\bwhen(?:ever)?\ i\ ask\b|\bfrom\ now\ on\b|\bin\ (?:the\ )?future\b
    |以后|从现在起|每次|请(?:一直|始终|总是|不要|务必)|记住
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PREFERENCE = re.compile(
    r"""
    \bi(?:['\u2019](?:d|ve)|\ would|\ always|\ usually|\ generally|\ really)?
      \ (?:prefer|rather|favou?r|like\ to|love\ to|tend\ to|appreciate)\b
    |\bprefer(?:ence|red|ring)?\b|\bi\ want\ (?:you\ )?to\b|\b(?:rather\ than|instead\ of)\b
    |我(?:更|比较|最|很)?(?:喜欢|偏好|倾向|习惯)|宁愿|宁可
    """,
    re.VERBOSE | re.IGNORECASE,
)

_FULL_LENGTH_BYTES = 200
_MANY_NAMES = 4


def is_asking(text: str) -> bool:
    """Return whether a turn asks something."""
    return "?" in text or "\uff1f" in text


def is_reaction(text: str) -> bool:
    """Return whether a turn begins as an answer to what was just said: thanks, wow, sure."""
    return _REACTION.match(text[:_READ_CHARS]) is not None


def is_instruction(text: str) -> bool:
    """Return whether a turn tells the assistant what always to do: "from now on", "when I ask", 以后."""
    return _INSTRUCTION.search(text[:_READ_CHARS]) is not None


def is_preference(text: str) -> bool:
    """Return whether a turn says what its speaker prefers."""
    return _PREFERENCE.search(text[:_READ_CHARS]) is not None


def fullness(text: str) -> float:
    """Return how much a turn says, 0..1: its length in UTF-8 bytes, which are fair to Chinese, up to 200."""
    return min(1.0, len(text[:_FULL_LENGTH_BYTES].encode(errors="replace")) / _FULL_LENGTH_BYTES)


def tells_when(text: str) -> bool:
    """Return whether a turn says when something was or will be."""
    return has_time_words(text[:_READ_CHARS])


def naming(text: str) -> float:
    """Return how many names a turn seems to hold, 0..1: capitalised words inside a sentence, four or more being 1."""
    return min(1.0, len(_NAME.findall(text[:_READ_CHARS])) / _MANY_NAMES)
