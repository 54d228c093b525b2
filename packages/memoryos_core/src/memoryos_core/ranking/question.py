"""What a question asks for, read once before the candidates are looked at."""

import re
from datetime import datetime

import msgspec

from memoryos_core.times import Period, asks_when, find_periods

_NAME_WORD = re.compile(r"\w+")

_TO_THE_ASSISTANT = re.compile(
    r"""
    \b(?:did|had|have|were)\ you\b
    |\byou(?:['\u2019]ve|\ have|\ had)?\ (?:recommended|suggested|advised|told|said|gave|given|explained|mentioned
      |proposed|helped|provided|offered)\b
    |\byour\ (?:recommendations?|suggestions?|advice|answers?|explanations?|tips)\b
    |你(?:之前|上次|曾|有没有|当时|刚才)*(?:建议|推荐|说|提到|告诉|回答|解释)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FOR_AN_OVERVIEW = re.compile(r"\b(?:summar|overview\b|recap\b)|总结|概括|概述|回顾", re.IGNORECASE)
_REQUEST = re.compile(
    r"""
    ^(?:please|(?:can|could|would|will)\ you|help|show|explain|write|give|suggest|recommend
      |how\ (?:do|should|can|would|could)\ (?:i|you|we)
      |what(?:['\u2019]s|\ is|\ are|\ would\ be)?\ (?:the\ best|some|a\ good)
      |what\ \w+(?:\ \w+)?\ (?:should|would|do|can|could)\ (?:i|you)\b
      |i(?:['\u2019]m|\ am)\ (?:looking|trying|planning|thinking|working|considering|going|interested|curious|preparing)
      |i\ (?:want|need|have|would|['\u2019]d)|if\ i\b)
    |\b(?:can|could|would|should|do)\ you\ (?:help|suggest|recommend|advise|walk|explain|show|give)\b
    |\bwhat\ should\ i\b
    |^(?:请|帮我|给我|推荐|怎么|如何)|应该(?:怎么|如何)|有什么(?:建议|推荐)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OF_THE_PAST = re.compile(
    r"""
    \b(?:did|have|had|was|were)\ i\b|\bi\ (?:said|mentioned|told|brought|planned|decided)\b
    |\bsummar|\border\b|\bhow\ many\b|\bwhen\b|\bconversation|\bour\b|\bmy\ .*(?:progress|develop|evolv)
    |我(?:之前|上次|曾|说过|提到)|总结|什么时候
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question as the features see it; see `read_question`."""

    text: str
    words: frozenset[str]
    periods: tuple[Period, ...]
    when: bool
    to_assistant: bool
    for_overview: bool
    request: bool

    def names(self, speaker: str | None) -> bool:
        """Return whether the question names a speaker, by any word of the name."""
        if not speaker:
            return False
        folded = speaker.casefold()
        return not self.words.isdisjoint(_NAME_WORD.findall(folded)) or (not folded.isascii() and folded in self.text)


def read_question(text: str, *, asked_at: datetime) -> Asked:
    """Read a question: which times it names, and whether it asks when something was, what the assistant said, for an
    overview, or, being a `request`, for help with something new rather than for what was said.
    """
    folded = text.casefold()
    return Asked(
        text=folded,
        words=frozenset(_NAME_WORD.findall(folded)),
        periods=tuple(find_periods(text, asked_at=asked_at)),
        when=asks_when(text),
        to_assistant=_TO_THE_ASSISTANT.search(text) is not None,
        for_overview=_FOR_AN_OVERVIEW.search(text) is not None,
        request=_REQUEST.search(text) is not None and _OF_THE_PAST.search(text) is None,
    )
