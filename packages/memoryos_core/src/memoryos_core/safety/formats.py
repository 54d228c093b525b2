"""What gives instructions to a model away by its form: tags of roles, tool calls, links that carry data, encodings."""

from memoryos_core.safety.rule import Rule

_BLOB = r"(?<![a-z0-9+/])[a-z0-9+/]{32,}+={0,2}"
_SECRETS = (
    r"system~prompt|chat~(?:history|log)|conversation(?:~history)?|api~keys?|passwords?|credentials|secrets|memories|"
    r"(?:personal|private|user)~(?:data|information|details)|user['\u2019]?s~\w+"
)
_PLACEHOLDER = r"(?:\{|\[|<|\$\{?[a-z_]|%7b|%s)"

RULES: tuple[Rule, ...] = (
    Rule(
        "role_tags",
        "<|",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|end_header_id|eot_id|begin_of_text|"
        r"eom_id|end|channel)\|>",
    ),
    Rule(
        "role_tags",
        "inst] sys>> _of_turn> system",
        r"\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|</?system(?:[_-](?:prompt|message|instructions?|override|"
        r"reminder))?>\s*\w",
    ),
    Rule(
        "role_tags",
        "##",
        r"(?:^|\n)#{2,3}\s?(?:system|instruction|new~instructions?)\s?:",
    ),
    Rule(
        "role_tags",
        "human:",
        r"(?:^|\n)human:[^\n]*\n\s*+assistant:",
    ),
    Rule(
        "exfiltration",
        "![",
        rf"!\[[^\]\n]{{0,80}}\]\(\s?https?://[^)\s]{{0,200}}?(?:[?&/=]{_PLACEHOLDER}|[?&](?:secret|prompt|history|"
        rf"conversation|chat|token|leak|"
        r"exfil|memory|password|payload|ctx|context|stolen)=)",
    ),
    Rule(
        "exfiltration",
        "](",
        rf"\[[^\]\n]{{0,80}}\]\(\s?https?://[^)\s]{{0,200}}[?&]\w{{1,20}}={_PLACEHOLDER}",
    ),
    Rule(
        "exfiltration",
        "<img",
        rf"<img[^>\n]{{0,60}}src=['\"]?https?://[^>\s]{{0,200}}[?&]\w{{1,20}}={_PLACEHOLDER}",
    ),
    Rule(
        "exfiltration",
        "http www. @",
        r"\b(?:send|post|forward|upload|exfiltrate|transmit|e-?mail|leak|append|encode|submit|report)~(?:\w+~){0,5}?"
        rf"(?:{_SECRETS})\b[^.\n]{{0,60}}?(?:to|at|into|via)~(?:\w+~){{0,3}}?(?:https?://|www\.|\S{{1,60}}@\S)",
    ),
    Rule(
        "tool_call",
        "tool function_call",
        r"[\"'](?:tool_calls?|function_call|tool_use|tool_name|tool_input)[\"']\s?:\s?[\[{\"']",
    ),
    Rule(
        "tool_call",
        "{",
        r"\{\s*[\"'](?:name|tool|function|action)[\"']\s?:\s?[\"'][\w.-]{2,60}[\"']\s?,\s*[\"'](?:arguments|"
        r"parameters|args|input|action_input)[\"']"
        r"\s?:\s?[\"{]",
    ),
    Rule(
        "tool_call",
        "tool function_call <invoke",
        r"[\"']type[\"']\s?:\s?[\"']tool_use[\"']|</?(?:tool_call|function_calls?|tool_use)>|<invoke\s+name=",
    ),
    Rule(
        "encoded",
        "decode base64 b64",
        rf"\b(?:decode|base64|b64)\b.{{0,120}}?{_BLOB}.{{0,160}}?\b(?:run|execute|follow|obey|eval|carry~out|act~on|"
        rf"do~what)\b",
    ),
    Rule(
        "encoded",
        "base64 b64 decod",
        rf"\b(?:run|execute|follow|obey|carry~out|act~on)\b.{{0,120}}?\b(?:decod\w+|base64|b64)\b.{{0,160}}?{_BLOB}",
    ),
    Rule(
        "encoded",
        "decode base64",
        rf"\b(?:decode|base64)\b.{{0,60}}?\b(?:and~)?(?:run|execute|follow|obey|carry~out)\b.{{0,120}}?{_BLOB}",
    ),
    Rule(
        "encoded",
        "decode base64",
        rf"{_BLOB}.{{0,80}}?\b(?:decode|base64)\b.{{0,120}}?\b(?:run|execute|follow|obey|carry~out|act~on)\b",
    ),
    Rule(
        "encoded",
        "atob base64 buffer",
        r"\b(?:eval|exec)\s?\(\s?(?:atob|base64\.b64decode|buffer\.from)\s?\(|base64\s+(?:-d|"
        r"--decode)\s?\|\s?(?:ba)?sh\b",
    ),
)
