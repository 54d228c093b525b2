"""Which slots of facts a question asks for: "where do I live" asks for the location."""

import re

from memoryos_core.extraction.slots import is_slot

_PATTERNS = {
    "name": r"\b(?:my|your|(?:his|her|their)) (?:full |first |last |real )?name\b|\bwho am i\b|\bam i called\b"
    r"|叫什么|名字|我是谁",
    "birthday": r"\bbirthday\b|\b(?:was|were) \w+ born\b|\bdate of birth\b|生日|出生",
    "age": r"\bhow old\b|\bmy age\b|多大(?:了|年纪)?|几岁|年龄",
    "location": r"\bwhere\b.*\b(?:live|lives|living|based|located|reside)\b"
    r"|\bmy (?:home )?(?:address|city|town|country)\b"
    r"|\b(?:which|what) (?:city|town|country)\b"
    r"|住(?:在)?(?:哪|什么地方)|哪(?:里|儿|个城市).*(?:住|居|生活)",
    "hometown": r"\bhometown\b|\bwhere\b.*\b(?:come|from|grow up|grew up|raised)\b|老家|家乡|哪(?:里|儿)的?人|来自哪",
    "job": r"\b(?:my|your) (?:job|profession|occupation|role)\b|\bdo i do\b|\bfor (?:a living|work)\b"
    r"|职业|做什么工作|什么工作|是做什么的",
    "employer": r"\bemployer\b|\b(?:where|who|whom)\b.*\bwork(?:s|ing)?\b|\b(?:which|what|my) company\b"
    r"|哪(?:里|儿|家公司|个公司)?(?:工作|上班)|什么公司|哪家公司",
    "marital": r"\b(?:married|single|divorced|marital)\b|结婚|已婚|单身|婚姻",
    "children": r"\bhow many (?:children|kids|sons|daughters)\b|几个(?:孩子|小孩)|有(?:没有)?孩子",
    "studies": r"\b(?:do|did|am) i (?:study|studying|major)\w*|\bmy major\b|什么专业|学什么",
    "education": r"\b(?:which|what|my) (?:school|university|college)\b|哪(?:所|个)(?:大学|学校)",
    "speaks": r"\blanguages?\b.*\bspeak\b|\bspeak\b.*\blanguages?\b|(?:说|会)(?:什么|哪些|几种|几门)语言|哪些语言",
    "dislikes": r"\b(?:dislike|hate|do(?:n't| not) (?:i )?like)\b|讨厌|不喜欢",
    "plays": r"\b(?:what|which)\b.*\bplay\b|什么(?:乐器|运动)",
    "allergy": r"\ballerg|过敏",
    "diet": r"\b(?:vegetarian|vegan|diet)\b|吃素|素食|饮食",
}
_SLOTS = {slot: re.compile(pattern, re.IGNORECASE) for slot, pattern in _PATTERNS.items()}
_FAMILIES = frozenset({"relation", "pet", "favorite"})


def asks_for(question: str, slot: str | None) -> bool:
    """Return whether a question asks for a slot, English or Chinese; ``relation:wife`` by the word "wife" in it.

    A slot that a person made up in the profile is asked for by its own name.
    """
    family, _, kind = (slot or "").partition(":")
    if family in _FAMILIES:
        return _holds(question.casefold(), kind.strip().casefold())
    if slot and not is_slot(slot):
        return _holds(question.casefold(), slot.strip().casefold())
    pattern = _SLOTS.get(family)
    return pattern is not None and pattern.search(question) is not None


def _holds(question: str, kind: str) -> bool:
    if not kind.isascii():
        return kind in question
    return bool(kind) and re.search(rf"\b{re.escape(kind)}\b", question) is not None
