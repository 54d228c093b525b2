"""The languages whose rules are tried."""

from memoryos_core.extraction.rules.chinese import CHINESE
from memoryos_core.extraction.rules.english import ENGLISH
from memoryos_core.extraction.rules.german import GERMAN
from memoryos_core.extraction.rules.spanish import SPANISH

LANGUAGES = (ENGLISH, CHINESE, SPANISH, GERMAN)
