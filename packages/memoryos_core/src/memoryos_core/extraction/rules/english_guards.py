"""How English shows that words are not a statement of the speaker."""

import re

from memoryos_core.extraction.clauses import Guards

GUARDS = Guards(
    tasks=re.compile(
        r"\b(?:translat\w+|proofread|paraphras\w+|rephras\w+|rewrite|re-write|summari[sz]e|role-?play\w*|"
        r"let's play|act as|pretend|imagine(?= \w+ (?:am|are|is)\b)|(?:fix|correct|check|improve|edit) (?:the|"
        r"this|my) \w+|"
        r"write (?:me )?(?:an?|my|the|some|this)|(?:story|poem|essay|email|letter|example|sentence|lyrics)\b[^."
        r"!?\n]*:)",
        re.IGNORECASE,
    ),
    jests=re.compile(r"\b(?:just kidding|i'm kidding|only kidding|jk|just joking|i'm joking)\b", re.IGNORECASE),
    asks=re.compile(
        r"(?:(?:and|but|so|or|hey|hi|well|ok|okay|also) )*(?:do|does|did|am|is|are|was|were|can|could|"
        r"will|would|should|shall|have|has|"
        r"may|what|what's|whats|why|how|when|where|who|which|is it|if)\b",
        re.IGNORECASE,
    ),
    tags=re.compile(
        r"(?:right|correct|no|yes|ok|okay|true|remember|don't i|didn't i|aren't i|am i not|do i|am i|is that (?"
        r":right|true))",
        re.IGNORECASE,
    ),
    doubts=re.compile(
        r"\b(?:if|unless|whether|suppos\w+|assum(?:e|ing)|imagine|pretend\w*|wish|hypothetical\w*|(?<!i )said|says?|"
        r"(?:in|for) (?:the|this|that|my|our|a) (?:game|story|novel|movie|film|play|dream|"
        r"role-?play|rpg|campaign|simulation)|"
        r"in-game|told(?! you)|tells|asked|asks|claim(?:s|ed)|(?<!i )thinks?|joked|sings|sang|lyrics?|lol)\b",
        re.IGNORECASE,
    ),
    open=re.compile(r"\b(?:maybe|perhaps|almost|nearly|not sure|in my dreams?)\b", re.IGNORECASE),
    reports=re.compile(
        r"(?:(?:said|says|replied|answered|whispered|shouted|cried|exclaimed) (?:the )?\w+(?: \w+){0,2}|"
        r"(?:he|she|they|the \w+) (?:said|says|replied|answered|whispered|shouted|cried|exclaimed)(?: \w+ly)?)",
        re.IGNORECASE,
    ),
    breaks=re.compile(
        r"(?<!\d),|,(?!\s\d{4})|[;()]|\s[-\u2013]+\s|\u2014|\s(?=(?:and|&) (?:i|he|she|they|it|i'm|my|"
        r"we|our|work|live|love|hate|enjoy|like|play|have|speak|own|drive|am|currently)\b)|"
        r"\s(?=(?:but|because|since (?:i|we|my|our|it|the)|although|though|while|who|which)\b)|\s(?=so (?:i|"
        r"we|my|can|could|what|"
        r"how|please|suggest)\b)|"
        r"\s(?=(?:with my|with our) )|\s(?=and (?:always|please|call)\b)",
        re.IGNORECASE,
    ),
)
