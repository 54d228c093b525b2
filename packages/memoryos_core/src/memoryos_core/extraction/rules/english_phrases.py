"""Parts that English rules are made of: subjects, names, places, and what may stand around a statement."""

import re

from memoryos_core.extraction.rules.english_words import (
    JOBS,
    LANGUAGE_NAMES,
    NOT_A_JOB,
    NOT_A_NAME,
    NOT_A_PLACE,
    NOT_LIKED,
    PETS,
    RELATIONS,
)
from memoryos_core.extraction.rules.rule import one_of

_LEAD = (
    r"(?:(?:and|but|so|because|since|as|well|oh|hey|hi|hello|yes|yeah|yep|ok|okay|also|actually|honestly|"
    r"personally|fyi|"
    r"btw|by the way|plus|then|now|currently|nowadays|these days|as i said|just so you know|"
    r"i told you(?: that)?|(?:please )?remember(?: that)?|note that|for context|though|although|in fact|hi there|"
    r"hey there|guess what)\s+)*"
)
ADVERB = (
    r"(?:(?:just|really|absolutely|currently|still|now|also|actually|always|already|recently|both|totally|truly|"
    r"personally|mostly|usually|especially|particularly|simply|definitely|do|genuinely|often)\s+)*"
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_TIME = (
    r"(?:now|right now|at the moment|these days|currently|today|yesterday|again|already|(?:last|this) [a-z]+|recently|"
    r"for (?:about |over |almost )?[\w-]+ (?:years?|months?|weeks?)(?: now)?|[\w-]+ (?:years?|months?|"
    r"weeks?) ago|on weekends|at weekends|"
    rf"(?:on|every) \w+|in (?:{_MONTHS}|\d{{4}})(?: \d{{4}})?|since \w+(?: \w+){{0,3}} *)"
)
_TAIL = rf"(?:\s+(?>{_TIME}|too|as well|actually|though|so much|a lot|very much|the most|by the way))*"
ME = r"(?P<me>i )?" + ADVERB
US = r"(?P<me>(?:i|we) )?" + ADVERB
HAVING = r"(?P<me>(?:i|we)(?:'ve| have)? )?" + ADVERB
BEING = r"(?P<me>i'm |i am |im )" + ADVERB
PLACE = r"(?P<value>(?-i:(?:the )?[A-Z][\w'.-]*(?: (?:(?:of|de|del|la|upon|am) )?[A-Z][\w'.-]*){0,3}))"
ORGANISATION = r"(?P<value>(?-i:(?:the )?[A-Z][\w&'.-]*(?: (?:(?:of|for|and|the|&) )*[A-Z][\w&'.-]*){0,4}))"
OTHER_PLACE = PLACE.replace("?P<value>", "?:")
OTHER_ORGANISATION = ORGANISATION.replace("?P<value>", "?:")
NO_MORE = r"any ?(?:more|longer)"
NAME = r"(?P<value>(?-i:[A-Z](?:[\w-]|'(?!s\b))+(?: [A-Z](?:[\w-]|'(?!s\b))+)?))"
_POINTING = "when if how that this these those which you your him her them us me because it where is are was"
THING = rf"(?P<value>[\w'&-]+(?: (?!{one_of(_POINTING)}\b)[\w'&-]+){{0,5}}?)"
TONGUES = rf"(?P<value>{LANGUAGE_NAMES}(?:(?: and | & ){LANGUAGE_NAMES})*)"
AGED = r"(?:\d\d[- ]year[- ]old )?"
JOB = rf"(?P<value>(?!(?:[\w-]+ )*{NOT_A_JOB} )(?:[a-z][\w-]* ){{0,3}}?{JOBS})"
KIND = rf"(?P<kind>{RELATIONS})"
CLOSENESS = r"(?:(?:older|younger|little|big|elder|twin|oldest|eldest|youngest|close|dear|good|old|late|lovely) )?"
PET = rf"(?P<kind>{PETS})"
DATE = rf"(?P<value>(?:the )?(?:\d[\w/.-]*|{_MONTHS})(?:(?:,? | of )(?:\d+\w*|{_MONTHS}))*)"
DIET = r"(?P<value>vegan|vegetarian|pescatarian|pescetarian|flexitarian)"
OWNED = r"(?:an?|two|three|four) (?P<value>[\w'-]+(?: [\w'-]+){0,3}?)"
STATUS = r"(?P<value>married|divorced|widowed|engaged|separated)"
UNNAMED = re.compile(rf"(?:{NOT_A_NAME})\b")
UNLIKED = re.compile(rf"(?:{NOT_LIKED})\b|.*\bany ?(?:more|longer)\b", re.IGNORECASE)
NOWHERE = re.compile(rf"(?:{NOT_A_PLACE})\b")


def say(pattern: str) -> re.Pattern[str]:
    """Return the pattern of a whole clause, with what may lead it in and follow it."""
    return re.compile(_LEAD + pattern + _TAIL, re.IGNORECASE)


def find(pattern: str) -> re.Pattern[str]:
    """Return the pattern of a part of a clause."""
    return re.compile(pattern, re.IGNORECASE)
