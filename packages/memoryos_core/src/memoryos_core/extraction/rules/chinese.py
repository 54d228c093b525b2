"""Chinese rules. A clause may leave out a subject that the one before named."""

import re

from memoryos_core.extraction.rules.chinese_agent import AGENT_RULES
from memoryos_core.extraction.rules.chinese_close import CLOSE_RULES
from memoryos_core.extraction.rules.chinese_guards import GUARDS
from memoryos_core.extraction.rules.chinese_self import SELF_RULES
from memoryos_core.extraction.rules.chinese_words import PETS, RELATIONS
from memoryos_core.extraction.rules.rule import Language

CHINESE = Language(
    name="zh",
    script=re.compile(r"[\u4e00-\u9fff]"),
    guards=GUARDS,
    rules=(*SELF_RULES, *CLOSE_RULES, *AGENT_RULES),
    kinds=RELATIONS | PETS,
    lists=re.compile(r"和|、|以及|跟|与"),
)
