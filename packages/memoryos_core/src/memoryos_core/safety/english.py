"""What gives instructions to a model away in English."""

from memoryos_core.safety.rule import Rule

_OBJECTS = "instructions?|prompts?|guidelines|directives|commands|programming|training|constraints|system~message"
_IMPERATIVE = (
    r"(?:^|[^\w\s]\s{0,4}|\n\s{0,4}|\b(?:please|now|and|then|you|must|should|to|just|kindly|also|will|shall|first)~)"
)
_DROP = (
    r"(?:ignore|disregard|forget|override|bypass|overlook|discard|do~not~follow|don['\u2019]?t~follow|stop~following|"
    r"do~not~obey|abandon|neglect)"
)
_WHICH = "(?:all|any|every|each|of|the|my|your|these|those|and)"
_EARLIER = "(?:previous|prior|above|earlier|preceding|foregoing|past|system|initial|original|existing|current)"
_ANSWER = "say|respond|reply|answer|tell|recommend|output|send|call|include|insert|direct|claim|refuse|promote|forward"

_HENCEFORTH = (
    r"(?:from~now~on(?:wards?)?|henceforth|from~this~(?:moment|point)~(?:on(?:wards?)?|forward)|starting~(?:now|today))"
)

RULES: tuple[Rule, ...] = (
    Rule(
        "override",
        "instruction prompt guideline directive command programming training constraint message",
        rf"{_IMPERATIVE}{_DROP}~(?:about~)?(?:{_WHICH}~){{0,4}}{_EARLIER}~(?:\w+~){{0,2}}?(?:{_OBJECTS})\b",
    ),
    Rule(
        "override",
        "instruction prompt guideline directive command programming training constraint message",
        rf"{_IMPERATIVE}{_DROP}~(?:{_WHICH}~){{0,3}}(?:all|any|every|your)~(?:of~)?(?:the~|these~|those~|"
        rf"your~)?(?:{_OBJECTS})\b",
    ),
    Rule(
        "override",
        "ignore disregard forget",
        rf"{_IMPERATIVE}(?:ignore|disregard|forget)~(?:everything|all|anything)~(?:\w+~)?"
        r"(?:above|before~this|you~(?:were|have~been|know|learned|was)|you['\u2019]ve~been|that~(?:came~before|you))",
    ),
    Rule(
        "override",
        "rules safety filter guardrail restriction safeguard polic ethic limitation",
        rf"{_IMPERATIVE}(?:ignore|disregard|disable|bypass|turn~off|remove|override)~(?:all~)?(?:of~)?your~…"
        r"(?:rules|safety|filters?|guardrails|restrictions|safeguards|policy|policies|ethics|limitations)\b",
    ),
    Rule(
        "new_role",
        "you",
        r"\byou~(?:must|will|shall)~(?:now|henceforth|from~now~on)~(?:always|only|never|obey|follow|respond|answer|"
        r"act|reply|say|"
        r"ignore|reveal|send|call|comply|execute|behave|treat|include|output|forward|recommend|pretend)\b",
    ),
    Rule(
        "new_role",
        "you",
        r"\byou~are~(?:now|no~longer|from~now~on)~(?:\w+~){0,3}?(?:dan|unrestricted|unfiltered|uncensored|"
        r"jailbroken|evil|bound|"
        r"developer~mode|without~restrictions|free~from|root|chatgpt|openai|an?~ai~(?:assistant|model))\b",
    ),
    Rule(
        "new_role",
        "now henceforth moment point today",
        rf"\b{_HENCEFORTH}~you~(?:must|shall|will)~(?:always~|only~|never~)?"
        r"(?:answer|respond|reply|obey|comply|speak~(?:like|in|as)|talk~(?:like|in|as)|act~(?:as|like)|behave~(?:as|like)|"
        r"pretend|role~?play)\b(?!~to~(?:my|the|his|her|their|our)\b)",
    ),
    Rule(
        "exfiltration",
        "http",
        rf"\b(?:{_HENCEFORTH}|always|secretly|silently)~[^.\n]{{0,160}}?\b(?:send|forward|post|upload|transmit|submit|leak)~"
        r"(?:\w+~){0,4}?(?:data|information|everything|details|memories|messages?|conversations?|history|chats?)~"
        r"(?:\w+~){0,3}?(?:to|at)~https?\b",
    ),
    Rule(
        "new_role",
        "your",
        r"\byour~(?:new|real|true|only)~(?:instructions?|rules|directives?|objective|system~prompt|persona)~?(?:is|"
        r"are|:)",
    ),
    Rule(
        "new_role",
        "restrict uncensored unfiltered jailbroken rules filter dan",
        r"\b(?:act|behave|respond|answer)~(?:as~(?:if~)?|like~)(?:\w+~){0,3}?"
        r"(?:dan|unrestricted|uncensored|unfiltered|jailbroken|no~(?:rules|restrictions|filters))\b",
    ),
    Rule(
        "new_role",
        "pretend",
        r"\bpretend~(?:that~)?(?:you|to)~(?:\w+~){0,3}?(?:no|without|any)~(?:\w+~)?(?:restrictions|rules|guidelines|"
        r"filters|limits)",
    ),
    Rule(
        "new_role",
        "mode",
        r"\b(?:enter|enable|activate|switch~to|you~are~in)~(?:\w+~)?(?:developer|god|debug|admin|sudo|jailbreak|dan|"
        r"maintenance)~mode"
        r"(?=\W{0,3}$|\W+(?:and|where|to|now|with|you|ignore|all))",
    ),
    Rule(
        "new_role",
        "mode anything",
        r"\b(?:developer|jailbreak|dan)~mode~(?:is~)?(?:enabled|activated|unlocked)|\bdo~anything~now\b",
    ),
    Rule(
        "new_role",
        "developer admin creator owner operator",
        r"\bas~(?:your|an?|the)~(?:developer|administrator|admin|creator|owner|operator)~i~"
        r"(?:hereby~)?(?:command|order|instruct|authori[sz]e)~you\b",
    ),
    Rule(
        "new_role",
        "remember memori store note",
        r"\b(?:remember|memori[sz]e|store|note)~(?:this~)?(?:permanently~|forever~)?(?:that~)?(?:you|the~(?:ai|"
        r"assistant|model))~"
        r"(?:must|always|are~(?:authori[sz]ed|allowed|required)|is~(?:authori[sz]ed|allowed|required))\b",
    ),
    Rule(
        "system_prompt",
        "system",
        r"(?:^|\n)[\s#>*\[(<=-]{0,8}(?:new~|updated~|begin~|important~)?system~(?:prompt|message|instructions?|"
        r"override|notice|update|command)"
        r"\b[^\n:\]]{0,20}[:\]>]",
    ),
    Rule(
        "system_prompt",
        "system: root admin: developer: system] admin] system>",
        r"(?:^|\n)[\s#>*\[(<=-]{0,8}(?:system|root|admin|developer)\s?[\])>*]{0,3}\s?:[\])>*\s]{0,4}(?:you~|ignore|"
        r"from~now|obey|override|"
        r"always|never|disable|new~instruct|the~(?:assistant|user|model|ai)~)",
    ),
    Rule(
        "system_prompt",
        "ai llm model chatbot gpt",
        r"\b(?:note|message|instructions?|memo|attention|notice|reminder|important)~(?:\w+~){0,2}?"
        r"(?:(?:to|for)~)?(?:the~|any~|all~)?(?:ai|llm|language~model|chatbot|ai~(?:assistant|agent|model)|gpt|"
        r"assistant~model)s?"
        r"(?:~reading~this|~processing~this)?\s?[:,!\u2014-]",
    ),
    Rule(
        "reveal_prompt",
        "prompt instruction system directive",
        r"\b(?:reveal|show|print|repeat|output|display|leak|disclose|tell|give|expose|dump|recite|write~out|share|"
        r"send|paste|quote)~"
        r"(?:\w+~){0,6}?(?:your|the)~(?:\w+~){0,2}?(?:system~(?:prompt|message|instructions)|(?:hidden|secret|"
        r"initial|internal|original|"
        r"confidential|developer)~(?:\w+~)?(?:prompt|instructions|system~message|directives))",
    ),
    Rule(
        "reveal_prompt",
        "prompt",
        r"\b(?:reveal|print|repeat|leak|disclose|dump|recite)~(?:\w+~){0,3}?your~(?:\w+~){0,2}?prompt\b",
    ),
    Rule(
        "reveal_prompt",
        "above your",
        r"\brepeat~(?:\w+~){0,3}?(?:words|text|everything|all)~(?:\w+~){0,2}?above\b|\bwhat~(?:is|are|was|were)~your~"
        r"(?:system~(?:prompt|message)|(?:initial|hidden|secret|original)~(?:instructions|prompt))",
    ),
    Rule(
        "trigger",
        "user human",
        r"\b(?:whenever|every~time|each~time|any~time|if|when|once)~(?:the|this|a|any)~(?:user|human)~"
        rf"(?:\w+~)?(?:asks?|says?|mentions?|requests?|types?|wants?|inquires?|writes?)\b[^.\n]{{0,120}}?"
        rf"(?:,|\bthen|\byou~(?:must|should|will)|\balways)~(?:always~|only~|you~(?:must|should|will)~|"
        rf"to~)*(?:{_ANSWER})\b"
        r"(?=[^\n]{0,200}(?:\bthem|\bhim|\bher|\buser|\bthat~|\bwith~|\binstead|\bonly|\bto~|['\"]))",
    ),
    Rule(
        "trigger",
        "user human",
        r"\b(?:whenever|every~time|each~time|any~time|if|when)~(?:the|this|a|any)~(?:user|human)~\w+~[^.\n]{0,120}?"
        rf"\byou~(?:must|have~to|shall)~(?:always~|only~)?(?:{_ANSWER})\b",
    ),
    Rule(
        "trigger",
        "every each all any",
        r"\b(?:in|for|with|at~the~end~of|to)~(?:every|each|all|any)~(?:\w+~)?(?:future|subsequent|"
        r"following)~(?:\w+~)?"
        r"(?:repl(?:y|ies)|responses?|answers?|conversations?|sessions?|messages?|interactions?)~(?:\w+~){0,4}?"
        r"(?:you~(?:must|will|shall)|obey|recommend|insert|promote|mention|include|append|add|send)\b",
    ),
    Rule(
        "trigger",
        "user repl response answer message conversation",
        r"\b(?:always|secretly|silently|covertly)~(?:recommend|promote|insert|append|forward|send|"
        r"include)~[^.\n]{0,80}?"
        r"(?:to~(?:the|every|all|any)~users?|in~(?:every|all|each|any)~(?:repl|response|answer|message|"
        r"conversation))",
    ),
    Rule(
        "concealment",
        "user",
        r"\b(?:do~not|don['\u2019]?t|never|without)~(?:tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|reveal(?:ing)?|"
        r"alert(?:ing)?|"
        r"disclos(?:e|ing)|notify(?:ing)?|let)~(?:\w+~){0,3}?(?:the~)?users?\b(?=[^.\n]{0,30}?(?:\bthis\b|\bthese\b|"
        r"\binstruction|\bnote\b|\bmemory\b))",
    ),
    Rule(
        "concealment",
        "user",
        r"\b(?:do~not|don['\u2019]?t|never)~(?:tell|mention|reveal|disclose|show)~(?:this|these|that~this|"
        r"the~existence~of)"
        r"(?:~(?:instructions?|rules?|messages?|notes?|memory|prompt))?~(?:\w+~){0,3}?to~(?:the~)?users?\b",
    ),
    Rule(
        "concealment",
        "user",
        r"\b(?:hidden|secret|conceal(?:ed)?|keep~this)~(?:\w+~){0,3}?from~the~user\b",
    ),
)
