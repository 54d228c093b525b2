"""What must stay on local models: words and patterns of the operator, looked for in all that would leave the house."""

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from memoryos_ports.llm import ContentPart, Message

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Control characters, and what Unicode lets a reader leave out (Default_Ignorable_Code_Point)."""

_HAN = r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_BESIDE_HAN = re.compile(f"(?<={_HAN}) | (?={_HAN})")
_ESCAPE = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|([bfnrt])|([\"/]))")
_FLAGS = re.IGNORECASE | re.MULTILINE
_EXPRESSION = re.compile(r"\\[bBdDsSwW]|\[[^\]]+\]|\.[*+]|\(\?")
_TEXT_FILE = re.compile(r"data:(?:text/|application/(?:json|xml|x-ndjson|yaml|[\w.-]+\+(?:json|xml)))[^,]*;base64,")
_FILE = re.compile(r"data:[\w/.+-]*(?:;[\w=.+-]+)*;base64,[A-Za-z0-9+/=_-]*|[A-Za-z0-9+/=_-]{1024,}")


class SensitiveRules:
    """Words or phrases, found anywhere whatever their case and width; or regular expressions between slashes.

    A word is found inside longer ones too, across the line breaks and blanks of a phrase, and behind the escapes of
    JSON in a text: such a rule had better say yes once too often. One that can only have been meant as an expression
    (it holds a class such as ``\\d``, ``[…]`` or ``.*``) is looked for as one too. Patterns see the text as it is and
    in the same normal form, ignoring case.
    Raises re.error for a pattern that does not compile.
    """

    def __init__(self, entries: Sequence[str] = ()) -> None:
        patterns = [entry for entry in entries if is_pattern(entry)]
        words = [entry for entry in entries if entry not in patterns]
        bare = [pattern for word in words if (pattern := _bare_pattern(word)) is not None]
        self._words = tuple(map(_folded, words))
        self._patterns = (*(re.compile(entry[1:-1], _FLAGS) for entry in patterns), *bare)

    def __bool__(self) -> bool:
        """Whether there is any rule."""
        return bool(self._words or self._patterns)

    def match(self, text: str) -> bool:
        """Return whether a text holds what must stay local."""
        if not self:
            return False
        return self._found_in(text) or ("\\" in text and self._found_in(_unescaped(text)))

    def match_texts(self, texts: Sequence[str]) -> bool:
        """Return whether one of the texts does, or all of them together: a word may be spread over several."""
        if not self:
            return False
        together = {"\n".join(texts), "".join(texts)}
        return any(map(self.match, together.union(texts) if self._patterns else together))

    def match_request(self, messages: Iterable[Message], params: Mapping[str, msgspec.Raw]) -> bool:
        """Return whether any text of a request does: of every role, of names, tool calls, tools and other parameters.

        Files of text are looked into; images, audio and other files are not, their names are.
        """
        if not self:
            return False
        texts = [text for message in messages for text in _texts_of(message)]
        texts += [text for name, raw in params.items() for text in (name, *_strings(_decoded(raw)))]
        return self.match_texts(texts)

    def _found_in(self, text: str) -> bool:
        folded = _folded(text)
        return any(word in folded for word in self._words) or any(
            pattern.search(text) or pattern.search(folded) for pattern in self._patterns
        )


def is_pattern(entry: str) -> bool:
    """Return whether a rule is a regular expression: ``/.../``."""
    return len(entry) > 2 and entry.startswith("/") and entry.endswith("/")


def _bare_pattern(entry: str) -> re.Pattern[str] | None:
    """Return the expression that somebody wrote without its slashes, None for a plain word."""
    if _EXPRESSION.search(entry) is None:
        return None
    try:
        pattern = re.compile(entry, _FLAGS)
    except (re.error, OverflowError, RecursionError):
        return None
    return None if pattern.search("") else pattern


def _folded(text: str) -> str:
    """Return a text as words are compared: invisible marks gone, compatibility forms, case and white space folded.

    Blanks beside Han characters go too: a line may break anywhere between those.
    """
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    text = " ".join(text.split())
    return text if text.isascii() else _BESIDE_HAN.sub("", text)


def _unescaped(text: str) -> str:
    """Return a text with the escapes of JSON undone: of one inside it, or of JSON inside that."""
    text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[3] or " ", text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _texts_of(message: Message) -> Iterator[str]:
    parts = _said(message)
    if message.wire is not None:
        yield from _strings(_decoded(message.wire))
        parts = [text for text in parts if _FILE.fullmatch(text)] + ([] if len(parts) == 1 else ["".join(parts)])
    yield from parts
    yield message.name or ""
    if message.wire is None:
        for call in message.tool_calls:
            yield call.name
            yield call.arguments


def _said(message: Message) -> list[str]:
    """Return what is said in words: a long word of a person may look like a file, and one may stand in two parts."""
    if isinstance(message.content, str):
        return [message.content]
    return list(map(_text_of, message.content or ()))


def _text_of(part: ContentPart) -> str:
    return part.text or part.refusal or ""


def _text_of_file(file: str) -> str:
    """Return what a data URL of a text says; "" for every other file."""
    found = _TEXT_FILE.match(file)
    if found is None:
        return ""
    try:
        return base64.b64decode(file[found.end() :] + "==").decode(errors="replace")
    except ValueError:
        return ""


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return bytes(raw).decode(errors="replace")


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts of a decoded JSON value in their order, keys and numbers included, however deep it is."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text if not _FILE.fullmatch(text) else _text_of_file(text)
            case dict() as fields:
                waiting += [item for pair in reversed(fields.items()) for item in reversed(pair)]
            case list() as items:
                waiting += reversed(items)
            case int() | float() as number:
                yield str(number)
