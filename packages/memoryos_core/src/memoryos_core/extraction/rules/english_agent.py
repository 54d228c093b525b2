"""English rules on how the agent should behave."""

from memoryos_core.extraction.rules.english_phrases import NAME, UNNAMED, say
from memoryos_core.extraction.rules.english_words import LANGUAGE_NAMES
from memoryos_core.extraction.rules.rule import Rule

AGENT_RULES = (
    Rule(
        name="call_me",
        slot="address",
        pattern=say(rf"(?:(?:please|you can|just|you may) )*call me {NAME}(?: from now on)?(?: please)?"),
        subject="agent",
        rejects=UNNAMED,
    ),
    Rule(
        name="answer_in",
        slot="language",
        pattern=say(
            rf"(?:please |from now on )*always (?:answer|reply|respond|speak|talk|write)(?: to me)? in (?P<valu"
            rf"e>{LANGUAGE_NAMES})"
        ),
        subject="agent",
    ),
    Rule(
        name="answer_in_from_now",
        slot="language",
        pattern=say(
            rf"(?:please )?(?:answer|reply|respond|speak|talk|write)(?: to me)? (?:only )?in (?P<value>{LANGUAGE_NAMES}"
            rf") (?:from now on|in (?:the )?future|always)"
        ),
        subject="agent",
    ),
    Rule(
        name="your_name",
        slot="name",
        pattern=say(rf"your (?:new )?name is (?:now )?{NAME}"),
        subject="agent",
        rejects=UNNAMED,
    ),
    Rule(
        name="call_you", slot="name", pattern=say(rf"i(?:'ll| will) call you {NAME}"), subject="agent", rejects=UNNAMED
    ),
    Rule(
        name="style",
        slot="style",
        pattern=say(
            r"(?:please |from now on )*always (?P<value>(?:keep|make) your (?:answers|replies|responses) [\w ]+)"
        ),
        subject="agent",
    ),
    Rule(
        name="style_never",
        slot="style",
        pattern=say(
            r"(?:please |from now on )*(?P<value>(?:never|don't ever) (?:use|write|add|say|call|include|"
            r"start|end) [\w ]*(?:when you (?:answer|reply|write)|in your (?:answers|replies|responses))[\w ]*)"
        ),
        subject="agent",
    ),
)
