"""What a question is about, without the words that only speak about the conversation."""

import re

_REQUEST = re.compile(
    r"""
    ^(?:(?:can|could|would|will)\ you\ (?:please\ )?|please\ )?
    (?:help\ me\ (?:to\ )?(?:understand\ |remember\ )?|give\ (?:me\ )?|provide\ (?:me\ )?(?:with\ )?
      |walk\ (?:me\ )?through\ |tell\ (?:me\ )?(?:about\ )?|show\ (?:me\ )?|list\ (?:out\ )?
      |remind\ (?:me\ )?(?:of\ |about\ )?|explain\ (?:to\ me\ )?|summari[sz]e\ |describe\ |recap\ |outline\ )+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"^(?:an? |the )?(?:[\w-]+,? (?:and )?){0,3}?(?:summary|overview|recap|timeline|list) (?:of |about |on )",
    re.IGNORECASE,
)
_ORDER = re.compile(r"\b(?:the )?(?:chronological )?order (?:in which|that|of how) |,? in order\b", re.IGNORECASE)
_CONVERSATION = re.compile(
    r",? *\b(?:throughout|across|during|in|over|from|through|based on) (?:all )?(?:of )?(?:our|my|these|the) "
    r"(?:\w+ ){0,2}?(?:conversations?|discussions?|chats?|sessions?|messages?|talks?)\b(?: with you)?",
    re.IGNORECASE,
)
_ANSWER_FORM = re.compile(
    r"(?<=[.?!,]) *(?:please )?(?:mention|list|name|include|give) only\b.*$", re.IGNORECASE | re.DOTALL
)
_SAID = re.compile(
    r"\b(?:(?:did|have|had) )?I (?:ever |previously |originally |first )?"
    r"(?:mention(?:ed)?|say|said|tell you|told you|bring up|brought up|talk(?:ed)? about|discuss(?:ed)?)\b"
    r"(?: that| about)?",
    re.IGNORECASE,
)
_BLANK_BEFORE_SIGN = re.compile(r" (?=[?.!,])")
_ABOUT_THE_CONVERSATION = (_ANSWER_FORM, _CONVERSATION, _REQUEST, _SUMMARY, _ORDER, _SAID)


def topic(question: str) -> str:
    """Return what to search for: "Can you remind me of my plans in our chats" gives "my plans".

    English phrases only; any other question, and one of which less than two words would be left, stays as it is.
    """
    text = question.strip()
    for phrase in _ABOUT_THE_CONVERSATION:
        text = phrase.sub("", text)
    text = _BLANK_BEFORE_SIGN.sub("", " ".join(text.split())).strip(" ,")
    return text if " " in text else question
