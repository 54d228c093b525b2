"""Under which name a server of the OpenAI dialect says its thoughts, and takes them back with an answer.

Clients get them as `reasoning_content`, beside the server's own `reasoning` where it is called so, and send back both.
Strict servers refuse a field that they do not know (``property 'reasoning_content' is unsupported``), lenient ones go
on thinking where they left off in a tool loop. So one name goes back: the one that this server used last; before it
said any, the one that the client has, `reasoning` before `reasoning_content`, which we may have added.
"""

import msgspec

THOUGHTS = ("reasoning", "reasoning_content")
"""Both names, the one that is surely the server's own first."""

IN_CONTENT = "content"
"""What is `seen` of a server whose thoughts are parts of the content (Mistral): it takes neither name."""

_STRICT_HOSTS = frozenset({"api.groq.com", "api.cerebras.ai", "api.mistral.ai"})
"""They refuse thoughts (janhq/jan#8136, Kilo-Org/kilocode#10375, charmbracelet/crush#1590)."""

_NULL = msgspec.Raw(b"null")


class ThoughtsName:
    """What is known of one server; its answers set `seen`."""

    __slots__ = ("seen",)

    def __init__(self, seen: str | None = None) -> None:
        self.seen = seen

    def fit(self, fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
        """Return the fields of a message with its thoughts under one name, the server's."""
        said = {name: fields[name] for name in THOUGHTS if fields.get(name, _NULL) != _NULL}
        name = self.seen or next(iter(said), None)
        rest = {key: value for key, value in fields.items() if key not in THOUGHTS}
        return {**rest, name: said.get(name) or next(iter(said.values()))} if said and name in THOUGHTS else rest


def refuses_thoughts(host: str) -> bool:
    """Tell whether a host is known to refuse thoughts under any name; OpenAI's own do as well (`is_openai_host`)."""
    return host in _STRICT_HOSTS
