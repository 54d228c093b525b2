"""The faults of a configuration, collected so that all of them are told together."""

import difflib
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from memoryos_ports.errors import ConfigurationError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: ``("auth", "keys", 0, "tenant")`` is told as ``auth.keys[0].tenant``."""

HIDDEN: Final = object()
"""Given as `found` when the value may be a secret, or holds others: only its origin is told."""

ABSENT: Final = object()
"""Given as `found` when nobody gave a value: there is no origin to tell."""

_LONGEST_ECHO = 80


class Faults:
    """Collects faults.

    `origin_of` says where the value at a path, or what holds it, came from ("" when nobody gave one), and `gives`
    whether that very value was given: a default has no origin, though others of its table have.
    """

    def __init__(self, origin_of: Callable[[KeyPath], str], *, gives: Callable[[KeyPath], bool]) -> None:
        self._origin_of = origin_of
        self._gives = gives
        self._texts: list[str] = []
        self._paths: list[KeyPath] = []

    def add(self, path: KeyPath, problem: str, *, found: object = HIDDEN, hint: str = "") -> None:
        """Record ``path: problem (found VALUE in ORIGIN; hint)``; `found` is echoed unless it is HIDDEN or ABSENT."""
        is_default = found is not HIDDEN and not self._gives(path)
        origin = "" if is_default else self._origin_of(path)
        details = [text for text in (_found(found, origin), hint) if text]
        self._texts.append(f"{path_text(path)}: {problem}" + (f" ({'; '.join(details)})" if details else ""))
        self._paths.append(path)

    def touches(self, path: KeyPath) -> bool:
        """Tell whether this value, or a table around it, is already known to be wrong."""
        return any(path[: len(known)] == known for known in self._paths)

    def reaches_into(self, path: KeyPath) -> bool:
        """Tell whether this value, or one inside it, is already known to be wrong."""
        return any(known[: len(path)] == path for known in self._paths)

    def raise_any(self) -> None:
        """Raise ConfigurationError with every fault, in the order found, if there is one."""
        if self._texts:
            raise ConfigurationError(self._texts)


def path_text(path: KeyPath) -> str:
    """Return a path as people write it: ``auth.keys[0].tenant``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def allowed_text(choices: Iterable[str]) -> str:
    """Return the hint that names all choices."""
    return "allowed: " + ", ".join(repr(choice) for choice in choices)


def suggestion(word: str, choices: Iterable[str]) -> str:
    """Return the hint "did you mean …?", or all choices when none is near."""
    known = sorted(choices)
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"allowed: {', '.join(known)}" if known else ""


def _found(found: object, origin: str) -> str:
    if found is ABSENT:
        return ""
    if found is HIDDEN:
        return f"in {origin}" if origin else ""
    echo = repr(found)
    if len(echo) > _LONGEST_ECHO:
        echo = echo[:_LONGEST_ECHO] + "…"
    return f"found {echo} in {origin}" if origin else f"found {echo}"
