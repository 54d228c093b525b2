"""A few safe Spanish rules."""

import re

from memoryos_core.extraction.clauses import Guards
from memoryos_core.extraction.rules.rule import Language, Rule

_NAME = r"(?P<value>(?-i:[A-ZÁÉÍÓÚÑ][\w'-]+(?: [A-ZÁÉÍÓÚÑ][\w'-]+)?))"
_PLACE = r"(?P<value>(?-i:(?:el |la |los |las )?[A-ZÁÉÍÓÚÑ][\w'-]+(?: (?:(?:de|del|la) )*[A-ZÁÉÍÓÚÑ][\w'-]+){0,3}))"
_RELATIONS = {
    "esposa": "wife",
    "mujer": "wife",
    "esposo": "husband",
    "marido": "husband",
    "novia": "girlfriend",
    "novio": "boyfriend",
    "hermana": "sister",
    "hermano": "brother",
    "hija": "daughter",
    "hijo": "son",
    "madre": "mother",
    "padre": "father",
}
_PETS = {"perro": "dog", "perra": "dog", "gato": "cat", "gata": "cat"}


def _say(pattern: str) -> re.Pattern[str]:
    lead = r"(?:(?:y|pero|pues|bueno|hola|además|también|ahora|yo|por cierto|actualmente)\s+)*"
    return re.compile(lead + pattern + r"(?: (?:ahora|actualmente|también))?", re.IGNORECASE)


SPANISH = Language(
    name="es",
    script=re.compile(r"\b(?:yo|me|mi|soy|vivo|trabajo|tengo|llámame|ya)\b", re.IGNORECASE),
    guards=Guards(
        tasks=re.compile(
            r"\b(?:traduc\w+|corrig\w+|resum\w+|reescrib\w+|escrib(?:e|a) (?:un|una)|imagina\w*|finge|juego de rol)\b",
            re.IGNORECASE,
        ),
        jests=re.compile(r"\b(?:es broma|bromeo)\b", re.IGNORECASE),
        asks=re.compile(r"¿|(?:qué|cómo|dónde|cuándo|quién|cuál|por qué)\b", re.IGNORECASE),
        tags=re.compile(r"(?:verdad|no|cierto|¿.*)", re.IGNORECASE),
        doubts=re.compile(r"\b(?:si|ojalá|dijo|dice|dicen|quizás?|tal vez|supong\w+)\b|¿", re.IGNORECASE),
        open=re.compile(r"\bcasi\b", re.IGNORECASE),
        reports=re.compile(r"(?:dijo|dice|preguntó|respondió|gritó) (?:(?:el|la) )?\w+", re.IGNORECASE),
        breaks=re.compile(
            r"[,;()¡]|\s[-\u2013]+\s|\u2014|\s(?=(?:pero|porque|aunque|y (?:vivo|trabajo|soy|me|mi|tengo))\b)",
            re.IGNORECASE,
        ),
    ),
    rules=(
        Rule(name="name", slot="name", pattern=_say(rf"(?:me llamo|mi nombre es) {_NAME}"), confidence=0.95),
        Rule(name="lives", slot="location", pattern=_say(rf"vivo en {_PLACE}")),
        Rule(name="lives_no_more", slot="location", pattern=_say(rf"ya no vivo en {_PLACE}"), ended=True),
        Rule(name="from", slot="hometown", pattern=_say(rf"soy de {_PLACE}")),
        Rule(name="works_at", slot="employer", pattern=_say(rf"trabajo (?:en|para) {_PLACE}")),
        Rule(name="works_no_more", slot="employer", pattern=_say(rf"ya no trabajo (?:en|para) {_PLACE}"), ended=True),
        Rule(name="works_as", slot="job", pattern=_say(r"trabajo (?:como|de) (?P<value>[^\W\d]+(?: [^\W\d]+){0,2})")),
        Rule(name="age", slot="age", pattern=_say(r"tengo (?P<value>[1-9]\d) años")),
        Rule(
            name="allergic", slot="allergy", pattern=_say(r"soy alérgic[oa] (?:a los|a las|a la|al|a) (?P<value>\w+)")
        ),
        Rule(name="diet", slot="diet", pattern=_say(r"soy (?P<value>vegan[oa]|vegetarian[oa])")),
        Rule(name="relation", slot="relation:", pattern=_say(rf"mi (?P<kind>{'|'.join(_RELATIONS)}) se llama {_NAME}")),
        Rule(name="pet", slot="pet:", pattern=_say(rf"mi (?P<kind>{'|'.join(_PETS)}) se llama {_NAME}")),
        Rule(name="call_me", slot="address", pattern=_say(rf"(?:por favor )?llámame {_NAME}"), subject="agent"),
    ),
    kinds=_RELATIONS | _PETS,
    lists=re.compile(r"\s+[ye]\s+"),
)
