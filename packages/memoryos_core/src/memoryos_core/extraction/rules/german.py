"""A few safe German rules."""

import re

from memoryos_core.extraction.clauses import Guards
from memoryos_core.extraction.rules.rule import Language, Rule

_NAME = r"(?P<value>(?-i:[A-ZÄÖÜ][\w'-]+(?: [A-ZÄÖÜ][\w'-]+)?))"
_PLACE = r"(?P<value>(?-i:(?:der |die |den )?[A-ZÄÖÜ][\w'.-]+(?: (?:(?:am|an der|im|bei) )?[A-ZÄÖÜ][\w'.-]+){0,2}))"
_NOUNS = r"(?P<value>(?-i:[A-ZÄÖÜ][\w-]+(?: und [A-ZÄÖÜ][\w-]+)?))"
_RELATIONS = {
    "frau": "wife",
    "mann": "husband",
    "freundin": "girlfriend",
    "freund": "boyfriend",
    "schwester": "sister",
    "bruder": "brother",
    "tochter": "daughter",
    "sohn": "son",
    "mutter": "mother",
    "vater": "father",
}
_PETS = {"hund": "dog", "hündin": "dog", "katze": "cat", "kater": "cat"}


def _say(pattern: str) -> re.Pattern[str]:
    lead = r"(?:(?:und|aber|also|hallo|hi|übrigens|ja|denn)\s+)*"
    return re.compile(lead + pattern + r"(?: (?:jetzt|auch|zurzeit|derzeit))?", re.IGNORECASE)


GERMAN = Language(
    name="de",
    script=re.compile(r"\b(?:ich|meine?|nenn)\b", re.IGNORECASE),
    guards=Guards(
        tasks=re.compile(
            r"\b(?:übersetz\w*|korrigier\w*|schreib(?:e)? (?:mir )?(?:eine?n?)|fasse? .* zusammen|stell dir vor|"
            r"rollenspiel|umformulier\w*)\b",
            re.IGNORECASE,
        ),
        jests=re.compile(r"\b(?:nur spaß|kleiner scherz)\b", re.IGNORECASE),
        asks=re.compile(
            r"(?:was|wie|wo|wer|wann|warum|welche\w*|bin|habe?|kann|soll|wohne|lebe|arbeite)\b", re.IGNORECASE
        ),
        tags=re.compile(r"(?:oder|richtig|stimmt's|nicht wahr|nicht)", re.IGNORECASE),
        doubts=re.compile(
            r"\b(?:wenn|falls|ob|als ob|sagt(?:e|en)?|sagen|angenommen|vielleicht|hätte|wäre|würde)\b", re.IGNORECASE
        ),
        open=re.compile(r"\bfast\b", re.IGNORECASE),
        reports=re.compile(r"(?:sagte?|rief|fragte|antwortete|meinte) (?:(?:der|die|das) )?\w+", re.IGNORECASE),
        breaks=re.compile(
            r"[,;()]|\s[-\u2013]+\s|\u2014|\s(?=und (?:ich|wohne|lebe|arbeite|bin|meine?)\b)|\s(?=(?:aber|denn)\b)",
            re.IGNORECASE,
        ),
    ),
    rules=(
        Rule(name="name", slot="name", pattern=_say(rf"(?:ich heiße|mein name ist) {_NAME}"), confidence=0.95),
        Rule(name="lives", slot="location", pattern=_say(rf"(?P<me>ich )?(?:wohne|lebe) in {_PLACE}")),
        Rule(
            name="lives_no_more",
            slot="location",
            pattern=_say(rf"ich (?:wohne|lebe) nicht mehr in {_PLACE}"),
            ended=True,
        ),
        Rule(name="from", slot="hometown", pattern=_say(rf"ich komme (?:ursprünglich )?aus {_PLACE}")),
        Rule(name="works_at", slot="employer", pattern=_say(rf"(?P<me>ich )?arbeite bei {_PLACE}")),
        Rule(name="works_no_more", slot="employer", pattern=_say(rf"ich arbeite nicht mehr bei {_PLACE}"), ended=True),
        Rule(name="works_as", slot="job", pattern=_say(r"(?P<me>ich )?arbeite als (?P<value>(?-i:[A-ZÄÖÜ][\w-]+))")),
        Rule(name="age", slot="age", pattern=_say(r"(?P<me>ich )?bin (?P<value>[1-9]\d) jahre alt")),
        Rule(
            name="allergic",
            slot="allergy",
            pattern=_say(rf"(?P<me>ich )?bin (?:sehr |stark )?allergisch (?:gegen|auf) {_NOUNS}"),
            listed=True,
        ),
        Rule(name="diet", slot="diet", pattern=_say(r"(?P<me>ich )?bin (?P<value>vegetarier(?:in)?|veganer(?:in)?)")),
        Rule(
            name="relation", slot="relation:", pattern=_say(rf"meine? (?P<kind>{'|'.join(_RELATIONS)}) heißt {_NAME}")
        ),
        Rule(name="pet", slot="pet:", pattern=_say(rf"meine? (?P<kind>{'|'.join(_PETS)}) heißt {_NAME}")),
        Rule(
            name="call_me", slot="address", pattern=_say(rf"(?:bitte )?nenn mich (?:bitte )?{_NAME}"), subject="agent"
        ),
    ),
    kinds=_RELATIONS | _PETS,
    lists=re.compile(r"\s+und\s+"),
)
