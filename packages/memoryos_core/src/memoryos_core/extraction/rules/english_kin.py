"""English rules on people and animals close to the speaker."""

from memoryos_core.extraction.rules.english_phrases import CLOSENESS, KIND, NAME, PET, UNNAMED, US, find, say
from memoryos_core.extraction.rules.rule import Rule

KIN_RULES = (
    Rule(
        name="relation", slot="relation:", pattern=find(rf"\bmy {CLOSENESS}{KIND} {NAME}"), inside=True, rejects=UNNAMED
    ),
    Rule(
        name="relation_is",
        slot="relation:",
        pattern=say(rf"my {CLOSENESS}{KIND}(?:'s name)?(?: is|'s) {NAME}"),
        rejects=UNNAMED,
    ),
    Rule(
        name="relation_called",
        slot="relation:",
        pattern=say(rf"my {CLOSENESS}{KIND} is (?:called|named) {NAME}"),
        confidence=0.95,
    ),
    Rule(
        name="has_relation",
        slot="relation:",
        pattern=say(rf"{US}have an? (?:\w+ )?{KIND} (?:called|named) {NAME}.*"),
        confidence=0.95,
    ),
    Rule(name="is_relation", slot="relation:", pattern=say(rf"{NAME} is my {CLOSENESS}{KIND}"), rejects=UNNAMED),
    Rule(name="pet", slot="pet:", pattern=find(rf"\bmy (?:\w+ )?{PET} {NAME}"), inside=True, rejects=UNNAMED),
    Rule(
        name="pet_is",
        slot="pet:",
        pattern=say(rf"my (?:\w+ )?{PET}(?:'s name)? is (?:called |named )?{NAME}"),
        rejects=UNNAMED,
    ),
    Rule(
        name="has_pet",
        slot="pet:",
        pattern=say(rf"{US}(?:have|adopted|got|'ve got) an? (?:[\w-]+ ){{0,2}}{PET} (?:called|named) {NAME}.*"),
    ),
)
