"""What must stay on local models: words and patterns of the operator, looked for in all that would leave the house."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from memoryos_ports.llm import Message


class SensitiveRules:
    """Words or phrases, found anywhere whatever their case and width; or regular expressions between slashes.

    A word is found inside longer ones too, and across the line breaks and blanks of a phrase: such a rule had better
    say yes once too often. Patterns see the text as it is and in the same normal form, ignoring case.
    Raises re.error for a pattern that does not compile.
    """

    def __init__(self, entries: Sequence[str] = ()) -> None:
        patterns = [entry for entry in entries if is_pattern(entry)]
        self._words = tuple(_folded(entry) for entry in entries if entry not in patterns)
        self._patterns = tuple(re.compile(entry[1:-1], re.IGNORECASE) for entry in patterns)

    def __bool__(self) -> bool:
        """Whether there is any rule."""
        return bool(self._words or self._patterns)

    def match(self, text: str) -> bool:
        """Return whether a text holds what must stay local."""
        if not self:
            return False
        folded = _folded(text)
        if any(word in folded for word in self._words):
            return True
        return any(pattern.search(text) or pattern.search(folded) for pattern in self._patterns)

    def match_request(self, messages: Iterable[Message], params: Mapping[str, msgspec.Raw]) -> bool:
        """Return whether any text of a request does: of every role, of names, tool calls, tools and other parameters.

        Images, audio and files are not looked into.
        """
        if not self:
            return False
        texts = [text for message in messages for text in _texts_of(message)]
        texts += [text for raw in params.values() for text in _strings(_decoded(raw))]
        return self.match("\n".join(texts)) or self.match("".join(texts))


def is_pattern(entry: str) -> bool:
    """Return whether a rule is a regular expression: ``/.../``."""
    return len(entry) > 2 and entry.startswith("/") and entry.endswith("/")


def _folded(text: str) -> str:
    """Return a text as words are compared: compatibility forms, case and white space folded, invisible marks gone."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return " ".join(text.split())


def _texts_of(message: Message) -> Iterator[str]:
    if message.wire is not None:
        yield from _strings(_decoded(message.wire))
    content = message.content  # memory may have added to it
    if isinstance(content, str):
        yield content
    else:
        yield from (part.text for part in content or () if part.text)
    for call in message.tool_calls:
        yield call.name
        yield from _strings(_decoded(call.arguments.encode()))


def _decoded(raw: msgspec.Raw | bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return bytes(raw).decode(errors="replace")


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            if not value.startswith("data:"):
                yield value
        case dict():
            for key, item in value.items():
                yield key
                yield from _strings(item)
        case list():
            for item in value:
                yield from _strings(item)
