"""Taking personal data and secrets out of a text before it is stored, embedded or published."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from memoryos_core.safety.personal_data import CARD, EMAIL, IBAN, IP, PHONE, SSN, is_address, is_card, is_iban
from memoryos_core.safety.secrets import SECRETS
from memoryos_ports.errors import ConfigurationError
from memoryos_ports.redaction import REDACTION_RULES

_Judge: TypeAlias = Callable[[re.Match[str]], bool]
_Value: TypeAlias = str | tuple[str, ...] | None
_Record = TypeVar("_Record", bound=msgspec.Struct)

OTHER = "redacted"
"""What stands for a match of an expression that the operator gave."""

_SURE = ("secret", OTHER)
"""Rules that look at a match alone, not at what stands beside it."""

_MARKER = re.compile(rf"(\[(?:{'|'.join((*REDACTION_RULES, OTHER))})\])")


def _always(_: re.Match[str]) -> bool:
    return True


_BUILT_IN: dict[str, tuple[re.Pattern[str], _Judge]] = {
    "secret": (SECRETS, _always),
    "email": (EMAIL, _always),
    "iban": (IBAN, is_iban),
    "card": (CARD, is_card),
    "ssn": (SSN, _always),
    "phone": (PHONE, _always),
    "ip": (IP, is_address),
}


class Redactor:
    """Replaces what its rules find by ``[email]``, ``[card]`` and so on, and alters nothing else.

    A rule is one of `REDACTION_RULES` or a regular expression between slashes (any case, matches become
    ``[redacted]``). Built-in rules are applied first, in their own order; expressions then, in the order given. What
    is redacted already stays as it is. Time is linear in the text for the built-in rules.
    Raises ConfigurationError for a rule that is neither.
    """

    def __init__(self, rules: Sequence[str] = ()) -> None:
        if faults := [f"privacy.redact: unknown rule {rule!r}" for rule in rules if not _is_known(rule)]:
            raise ConfigurationError(faults)
        self._rules = [(name, *_BUILT_IN[name]) for name in REDACTION_RULES if name in rules]
        self._rules += [(OTHER, _compiled(rule), _always) for rule in rules if rule not in _BUILT_IN]

    def __bool__(self) -> bool:
        """Whether there is any rule."""
        return bool(self._rules)

    def redact(self, text: str) -> str:
        """Return the text without what the rules find."""
        for name, pattern, judge in self._rules:
            text = "".join(_pieces(text, name, pattern, judge))
        return text

    def redact_fields(self, record: _Record, *names: str) -> _Record:
        """Return a struct with these fields redacted: texts, tuples of texts, or None."""
        if not self:
            return record
        return msgspec.structs.replace(record, **{name: self._redact_value(getattr(record, name)) for name in names})

    def _redact_value(self, value: _Value) -> _Value:
        if isinstance(value, tuple):
            return tuple(map(self.redact, value))
        return value and self.redact(value)


def _pieces(text: str, name: str, pattern: re.Pattern[str], judge: _Judge) -> Iterator[str]:
    """Yield the text in pieces, redacted between the markers that it has already.

    What touches a marker was no match before the marker was there, so personal data there is left: twice is once.
    """
    pieces = _MARKER.split(text)
    last = len(pieces) - 1

    def replaced(found: re.Match[str]) -> str:
        touches = (found.start() == 0 and place > 0) or (found.end() == len(found.string) and place < last)
        if not found[0] or (touches and name not in _SURE) or not judge(found):
            return found[0]
        return f"{found.groupdict().get('kept') or ''}[{name}]"

    for place, piece in enumerate(pieces):
        yield piece if place % 2 else pattern.sub(replaced, piece)


def _is_known(rule: str) -> bool:
    if rule in _BUILT_IN:
        return True
    try:
        return len(rule) > 2 and rule.startswith("/") and rule.endswith("/") and bool(_compiled(rule))
    except (re.error, OverflowError, RecursionError):
        return False


def _compiled(rule: str) -> re.Pattern[str]:
    return re.compile(rule[1:-1], re.IGNORECASE | re.MULTILINE)
