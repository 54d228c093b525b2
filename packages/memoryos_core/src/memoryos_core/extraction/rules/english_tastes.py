"""English rules on what the speaker likes, avoids, plays and owns."""

import re

from memoryos_core.extraction.rules.english_phrases import BEING, DIET, ME, NO_MORE, OWNED, THING, UNLIKED, US, say
from memoryos_core.extraction.rules.english_words import FAVORITES, PLAYED
from memoryos_core.extraction.rules.rule import Rule

NOT = r"(?:don't|do not) (?:really )?"

TASTES_RULES = (
    Rule(
        name="allergic",
        slot="allergy",
        pattern=say(rf"{BEING}(?:\w+ly )?allergic to (?P<value>[\w'-]+(?: (?!your\b|my\b)[\w'-]+){{0,5}})"),
        listed=True,
        rejects=re.compile(r"(?:any|your|my|you|it|this|that|all|mondays)", re.IGNORECASE),
        confidence=0.95,
    ),
    Rule(
        name="has_allergy",
        slot="allergy",
        pattern=say(rf"{ME}have an? (?:\w+ )?(?P<value>(?!severe|bad|food|skin|mild)\w+) allergy"),
    ),
    Rule(
        name="intolerant",
        slot="allergy",
        pattern=say(rf"{BEING}(?P<value>lactose|gluten|fructose|histamine)[- ]intolerant"),
    ),
    Rule(name="been_diet", slot="diet", pattern=say(rf"(?:i've|i have) been (?:an? )?{DIET}"), confidence=0.95),
    Rule(name="diet", slot="diet", pattern=say(rf"{BEING}(?:an? )?(?:strict )?{DIET}"), confidence=0.95),
    Rule(
        name="diet_ended",
        slot="diet",
        pattern=say(rf"(?:{BEING}no longer|i stopped being) (?:an? )?{DIET}"),
        ended=True,
    ),
    Rule(
        name="diet_no_more", slot="diet", pattern=say(rf"{BEING}not (?:an? )?(?:strict )?{DIET} {NO_MORE}"), ended=True
    ),
    Rule(
        name="likes",
        slot="likes",
        pattern=say(rf"{ME}(?:like|love|enjoy|adore) (?:to )?{THING}"),
        rejects=UNLIKED,
        confidence=0.7,
    ),
    Rule(
        name="fond",
        slot="likes",
        pattern=say(rf"{BEING}(?:fond of|a (?:big |huge )?fan of|passionate about|into) {THING}"),
        rejects=UNLIKED,
        confidence=0.7,
    ),
    Rule(name="prefers", slot="likes", pattern=say(rf"{ME}prefer {THING} (?:over|to) [\w' -]+"), rejects=UNLIKED),
    Rule(
        name="likes_no_more",
        slot="likes",
        pattern=say(rf"{ME}(?:no longer|stopped) (?:like|love|enjoy|liking|loving|enjoying) {THING}"),
        rejects=UNLIKED,
        ended=True,
    ),
    Rule(
        name="likes_not_any_more",
        slot="likes",
        pattern=say(rf"{ME}{NOT}(?:like|love|enjoy) (?:to )?{THING} {NO_MORE}"),
        rejects=UNLIKED,
        ended=True,
    ),
    Rule(
        name="consumes_not_any_more",
        slot="likes",
        pattern=say(rf"{ME}(?:{NOT}(?:drink|eat) {THING} {NO_MORE})"),
        rejects=UNLIKED,
        ended=True,
    ),
    Rule(
        name="consumes_no_more",
        slot="likes",
        pattern=say(rf"{ME}(?:no longer (?:drink|eat)|(?:stopped|gave up|quit) (?:drinking|eating)) {THING}"),
        rejects=UNLIKED,
        ended=True,
    ),
    Rule(
        name="dislikes_no_more",
        slot="dislikes",
        pattern=say(rf"{ME}no longer (?:hate|dislike|detest) {THING}"),
        rejects=UNLIKED,
        ended=True,
    ),
    Rule(
        name="dislikes_not_any_more",
        slot="dislikes",
        pattern=say(rf"{ME}{NOT}(?:hate|dislike|detest) {THING} {NO_MORE}"),
        rejects=UNLIKED,
        ended=True,
    ),
    Rule(
        name="dislikes",
        slot="dislikes",
        pattern=say(rf"{ME}(?:hate|dislike|detest|can't stand|don't like|do not like|don't enjoy) (?:to )?{THING}"),
        rejects=UNLIKED,
        confidence=0.7,
    ),
    Rule(
        name="favorite",
        slot="favorite:",
        pattern=say(
            rf"my (?:all[- ]time )?favou?rite (?P<kind>{FAVORITES})(?: is|'s) (?:now |currently |still )?"
            r"(?:the )?(?P<value>(?!that|no|not|now|this|when|how|one|it|probably|definitely)"
            r"[\w'-]+(?: [\w'-]+){0,4}?)"
        ),
    ),
    Rule(
        name="favorite_no_more",
        slot="favorite:",
        pattern=say(
            rf"my (?:all[- ]time )?favou?rite (?P<kind>{FAVORITES}) is no longer (?:the )?"
            r"(?P<value>[\w'-]+(?: [\w'-]+){0,4}?)"
        ),
        ended=True,
    ),
    Rule(name="plays", slot="plays", pattern=say(rf"{ME}play (?:the )?(?P<value>{PLAYED})")),
    Rule(
        name="drives",
        slot="owns",
        pattern=say(
            rf"{ME}drive an? (?P<value>(?-i:(?:old |new |red |blue |white |black )?[A-Z]\w+(?: [\w-]+){{0,2}}))"
        ),
    ),
    Rule(name="owns", slot="owns", pattern=say(rf"{US}own {OWNED}")),
    Rule(name="sold", slot="owns", pattern=say(rf"{US}sold my (?:old )?(?P<value>[\w'-]+(?: [\w'-]+)?)"), ended=True),
)
