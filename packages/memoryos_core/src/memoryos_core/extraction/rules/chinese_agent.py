"""Chinese rules on how the agent should behave."""

import re

from memoryos_core.extraction.rules.chinese_phrases import CHAR, NAME, NAME_SHORT, TONGUE, say
from memoryos_core.extraction.rules.rule import Rule

AGENT_RULES = (
    Rule(
        name="call_me",
        slot="address",
        pattern=say(
            rf"(?:以后|请|今后|从现在开始|从现在起|你|就|都|可以|麻烦)*(?:叫|喊|称呼)我(?:做|为)?{NAME_SHORT}("
            rf"?:就行|就好|就可以|吧)?"
        ),
        subject="agent",
        rejects=re.compile(r"(?:一声|起床|一下|的|别|去|过|怎|干|回|吃|出|上|下|滚|等|帮|再)"),
    ),
    Rule(
        name="answer_in",
        slot="language",
        pattern=say(
            rf"(?:以后|今后|从现在开始|从现在起)(?:请|都|一直|始终|你|就|统一|只)*用(?P<value>{TONGUE})(?:跟我"
            rf"|和我|来)?(?:回答|回复|说话|交流|聊天|沟通)我?"
        ),
        subject="agent",
    ),
    Rule(
        name="your_name",
        slot="name",
        pattern=say(
            rf"(?:以后|从现在开始|从现在起|从今天起|今后)?(?:你的名字(?:就)?(?:叫|是)|以后你就?叫|我以后叫你){NAME}"
        ),
        subject="agent",
    ),
    Rule(
        name="style",
        slot="style",
        pattern=say(
            rf"(?:以后|今后|从现在开始|从现在起)(?:请|都|你|就)*(?P<value>(?:的?回答|回复|说话)(?:我|都|"
            rf"请|要|的时候)*(?:尽量|简短|简洁|详细|不要|别|更){CHAR}{{0,12}})"
        ),
        subject="agent",
    ),
)
