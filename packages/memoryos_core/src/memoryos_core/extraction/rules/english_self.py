"""English rules on who the speaker is: name, age, home, work."""

from memoryos_core.extraction.rules.english_phrases import (
    ADVERB,
    AGED,
    BEING,
    DATE,
    HAVING,
    JOB,
    ME,
    NAME,
    NO_MORE,
    NOWHERE,
    ORGANISATION,
    OTHER_ORGANISATION,
    OTHER_PLACE,
    PLACE,
    STATUS,
    TONGUES,
    UNNAMED,
    US,
    say,
)
from memoryos_core.extraction.rules.english_words import LANGUAGE_NAMES
from memoryos_core.extraction.rules.rule import Rule

LEFT = r"(?:quit|left|resigned from)(?: my job (?:at|with))?"
JOINED = r"(?:and (?:then |now )?joined|and (?:started|now work|work now) (?:at|for|with)|to join|to work (?:at|for))"

SELF_RULES = (
    Rule(
        name="name",
        slot="name",
        pattern=say(rf"my (?:full |first )?name(?: is|'s)(?: now)? {NAME}"),
        rejects=UNNAMED,
        confidence=0.95,
    ),
    Rule(
        name="greeting",
        slot="name",
        pattern=say(rf"(?:hi|hello|hey)(?: there| everyone)?,? (?:i'm|i am) {NAME}"),
        rejects=UNNAMED,
    ),
    Rule(
        name="lives",
        slot="location",
        pattern=say(rf"{US}live in {PLACE}(?: with (?:my|our) [\w ]+)?"),
        confidence=0.9,
    ),
    Rule(
        name="lives_lower_case",
        slot="location",
        pattern=say(r"(?P<me>(?-i:i) )(?-i:live in (?P<value>[a-z]{3,}))"),
        rejects=NOWHERE,
    ),
    Rule(name="based", slot="location", pattern=say(rf"{BEING}(?:[\w -]+ )?(?:living|based) in {PLACE}")),
    Rule(
        name="moved",
        slot="location",
        pattern=say(
            rf"{HAVING}(?:moved|relocated) (?:from {OTHER_PLACE} )?(?:back |over )?to {PLACE}(?: from {OTHER_PLACE})?"
        ),
    ),
    Rule(name="has_lived", slot="location", pattern=say(rf"(?:i|we)(?:'ve| have) (?:lived|been living) in {PLACE}")),
    Rule(name="lived", slot="location", pattern=say(rf"{US}used to live in {PLACE}"), ended=True),
    Rule(name="lives_no_longer", slot="location", pattern=say(rf"{US}no longer live in {PLACE}"), ended=True),
    Rule(
        name="lives_no_more",
        slot="location",
        pattern=say(rf"{US}(?:don't|do not) live in {PLACE} {NO_MORE}"),
        ended=True,
    ),
    Rule(
        name="living_no_more",
        slot="location",
        pattern=say(rf"{BEING}(?:not living in {PLACE} {NO_MORE})"),
        ended=True,
    ),
    Rule(name="from", slot="hometown", pattern=say(rf"{BEING}(?:originally )?from {PLACE}(?: originally)?")),
    Rule(name="grew_up", slot="hometown", pattern=say(rf"{ME}grew up in {PLACE}")),
    Rule(
        name="job",
        slot="job",
        pattern=say(
            rf"{BEING}an? {AGED}{JOB}(?: (?:by profession|by trade|at|for|in|from|based|living|with|who)\b.*)?"
        ),
    ),
    Rule(
        name="works_as",
        slot="job",
        pattern=say(
            rf"{ME}work(?: \w+ [A-Z][\w&'.-]*)? as an? (?P<value>[a-z][\w-]*(?: [\w-]+){{0,3}}?)(?: (?:at|for|in)\b.*)?"
        ),
    ),
    Rule(
        name="works_at_as",
        slot="job",
        pattern=say(rf"{ME}work (?:at|for) .+? as an? (?P<value>[a-z][\w-]*(?: [\w-]+){{0,3}}?)"),
    ),
    Rule(
        name="works_at",
        slot="employer",
        pattern=say(rf"{ME}work (?:as an? [\w -]+? )?(?:at|for) {ORGANISATION}(?: as an? [\w -]+)?"),
        rejects=UNNAMED,
    ),
    Rule(
        name="working_at",
        slot="employer",
        pattern=say(rf"(?P<me>i've been |i'm |i am ){ADVERB}working (?:at|for) {ORGANISATION}"),
        rejects=UNNAMED,
    ),
    Rule(
        name="job_at",
        slot="employer",
        pattern=say(rf"{BEING}an? {JOB.replace('?P<value>', '?:')} (?:at|for) {ORGANISATION}"),
        rejects=UNNAMED,
    ),
    Rule(
        name="worked_at",
        slot="employer",
        pattern=say(rf"{ME}(?:no longer|used to|don't|do not) work (?:at|for) {ORGANISATION} {NO_MORE}"),
        ended=True,
    ),
    Rule(
        name="works_no_more",
        slot="employer",
        pattern=say(rf"{ME}(?:no longer work|used to work) (?:at|for) {ORGANISATION}"),
        ended=True,
    ),
    Rule(
        name="quit",
        slot="employer",
        pattern=say(rf"{ME}(?:'ve |have )?(?:quit|left|lost|resigned from) my job (?:at|with) {ORGANISATION}"),
        ended=True,
    ),
    Rule(
        name="dismissed",
        slot="employer",
        pattern=say(
            rf"{ME}(?:resigned from|(?:was|got) (?:fired|laid off|let go) (?:from|by)) "
            rf"(?:my job (?:at|with) )?{ORGANISATION}"
        ),
        ended=True,
    ),
    Rule(
        name="changed_from",
        slot="employer",
        pattern=say(rf"{HAVING}{LEFT} {ORGANISATION} {JOINED} {OTHER_ORGANISATION}"),
        ended=True,
    ),
    Rule(
        name="changed_to", slot="employer", pattern=say(rf"{HAVING}{LEFT} {OTHER_ORGANISATION} {JOINED} {ORGANISATION}")
    ),
    Rule(
        name="started_at",
        slot="employer",
        pattern=say(
            rf"{ME}(?:started working|started (?:a|my) (?:new )?job|got a (?:new )?job|found a (?:new )?job) "
            rf"(?:at|for|with) {ORGANISATION}(?: as an? [\w -]+)?"
        ),
        rejects=UNNAMED,
    ),
    Rule(name="born", slot="birthday", pattern=say(rf"{ME}was born on {DATE}"), confidence=0.95),
    Rule(name="birthday", slot="birthday", pattern=say(rf"my birthday(?: is|'s) (?:on )?{DATE}"), confidence=0.95),
    Rule(name="age", slot="age", pattern=say(rf"{BEING}(?P<value>[1-9]\d)(?: years old| yrs old| y/?o)?(?: and .+)?")),
    Rule(name="age_turned", slot="age", pattern=say(rf"{ME}turned (?P<value>[1-9]\d)")),
    Rule(name="age_and", slot="age", pattern=say(rf"{BEING}an? (?P<value>[1-9]\d)[- ]year[- ]old .+")),
    Rule(
        name="speaks",
        slot="speaks",
        pattern=say(rf"{ME}speak (?:fluent |some |a little |a bit of )?{TONGUES}(?: fluently)?"),
        listed=True,
    ),
    Rule(
        name="native",
        slot="speaks",
        pattern=say(rf"my (?:native|first) (?:language|tongue) is (?P<value>{LANGUAGE_NAMES})"),
    ),
    Rule(
        name="fluent",
        slot="speaks",
        pattern=say(rf"{BEING}fluent in {TONGUES}"),
        listed=True,
    ),
    Rule(name="married", slot="marital", pattern=say(rf"{BEING}(?:happily |newly )?{STATUS}(?: to (?-i:[A-Z]\w+))?")),
    Rule(name="single", slot="marital", pattern=say(rf"{BEING}(?P<value>single|a widow|a widower)")),
    Rule(name="got_married", slot="marital", pattern=say(rf"{US}(?:just |recently )?got {STATUS}")),
    Rule(
        name="children",
        slot="children",
        pattern=say(rf"{US}have (?P<value>two|three|four|five|six|[2-9]) (?:\w+ )?(?:kids|children)"),
    ),
    Rule(
        name="studies",
        slot="studies",
        pattern=say(
            rf"(?:{BEING}(?:studying|majoring in)|{ME.replace('?P<me>', '?P<subject>')}(?:study|major in)) (?P<"
            rf"value>(?!for|at|in|with|abroad|hard|the|how|this|my)[a-z]+(?: (?!at|in|for|and)[a-z]+){{0,2}}?)("
            rf"?: at [\w' ]+)?"
        ),
    ),
)
