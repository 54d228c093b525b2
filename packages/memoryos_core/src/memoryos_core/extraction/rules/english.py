"""English rules. A clause has to say it outright, beginning with its subject."""

import re

from memoryos_core.extraction.rules.english_agent import AGENT_RULES
from memoryos_core.extraction.rules.english_guards import GUARDS
from memoryos_core.extraction.rules.english_kin import KIN_RULES
from memoryos_core.extraction.rules.english_self import SELF_RULES
from memoryos_core.extraction.rules.english_tastes import TASTES_RULES
from memoryos_core.extraction.rules.english_words import EXTRA_FAVORITES, KINDS
from memoryos_core.extraction.rules.rule import Language

ENGLISH = Language(
    name="en",
    script=re.compile(r"\b(?:i|i'm|im|i've|my|we|your|me|always|never)\b", re.IGNORECASE),
    guards=GUARDS,
    rules=(*SELF_RULES, *TASTES_RULES, *KIN_RULES, *AGENT_RULES),
    kinds=KINDS | EXTRA_FAVORITES,
    lists=re.compile(r"\s+and\s+|\s*&\s*|\s+or\s+", re.IGNORECASE),
)
