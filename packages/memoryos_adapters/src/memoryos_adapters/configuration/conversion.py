"""From the tree of configured values to `Settings`, field by field, so that every fault is found."""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec

from memoryos_adapters.configuration.faults import HIDDEN, Faults, KeyPath, suggestion
from memoryos_adapters.configuration.types import allowed_words, bare, found_words, is_container, is_struct
from memoryos_adapters.llm_kinds import LLM_KINDS
from memoryos_adapters.settings import LlmProviderSettings, Secret, Settings

StructT = TypeVar("StructT", bound=msgspec.Struct)

_NOT_ECHOED: Final = frozenset(
    {
        *("api_key", "api_key_env", "client_secret", "client_secret_env", "headers", "key_env", "key_sha256"),
        *("password", "password_env", "proxy", "proxy_password", "proxy_password_env"),
    }
)
"""Keys whose value, or a value in which, may be a secret, be it by a slip."""

_STAND_INS: Final[Mapping[str, Any]] = {
    "kind": "noop", "tenant": "default", "name": "?", "tenant_id": "?", "client_id": "?",
}  # fmt: skip
"""For required fields that are missing or wrong, so that the rest can still be judged; never seen outside."""

_NARROWED: Final[Mapping[tuple[type, str], Any]] = {(LlmProviderSettings, "kind"): Literal[tuple(LLM_KINDS)]}
"""Fields of which more is known here than their type says, and the type that says it."""

_INVALID: Final = object()


def convert_settings(tree: Mapping[str, Any], faults: Faults, *, complete: bool) -> Settings:
    """Return the settings that `tree` describes, with defaults in place of what is wrong: ask `faults` before use.

    `complete` False: a part of the tree could not be read, so a missing field is not a fault.
    """
    return _Conversion(faults, complete=complete).section(Settings, tree, ())


class _Conversion:
    def __init__(self, faults: Faults, *, complete: bool) -> None:
        self._faults = faults
        self._complete = complete

    def section(self, kind: type[StructT], value: object, path: KeyPath) -> StructT:
        if isinstance(value, Mapping):
            given = value
        else:
            self._wrong(kind, value, path)
            given = {}
        fields = msgspec.structs.fields(kind)
        self._refuse_unknown(given, {field.name for field in fields}, path)
        values: dict[str, Any] = {}
        for field in fields:
            allowed = _NARROWED.get((kind, field.name), field.type)
            if field.name in given:
                converted = self._value(allowed, given[field.name], (*path, field.name))
                if converted is not _INVALID:
                    values[field.name] = converted
            elif field.required and self._complete and not self._faults.touches(path):
                self._faults.add((*path, field.name), "is missing", hint=f"allowed: {allowed_words(allowed)}")
            if field.required:
                values.setdefault(field.name, _STAND_INS[field.name])
        return kind(**values)

    def _refuse_unknown(self, given: Mapping[str, Any], known: set[str], path: KeyPath) -> None:
        for key in given:
            if key not in known:
                self._faults.add((*path, key), "unknown key", hint=suggestion(key, known))

    def _value(self, kind: Any, value: object, path: KeyPath) -> Any:
        held = bare(kind)
        if is_struct(held):
            return self.section(held, value, path)
        if get_origin(held) is dict:
            return self._table(held, value, path)
        if get_origin(held) is tuple:
            return self._list(held, value, path)
        return self._plain(kind, value, path)

    def _table(self, kind: Any, value: object, path: KeyPath) -> Any:
        if not isinstance(value, Mapping):
            return self._wrong(kind, value, path)
        items = {key: self._value(get_args(kind)[1], item, (*path, key)) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not _INVALID}

    def _list(self, kind: Any, value: object, path: KeyPath) -> Any:
        if not isinstance(value, list):
            return self._wrong(kind, value, path)
        items = [self._value(get_args(kind)[0], item, (*path, index)) for index, item in enumerate(value)]
        return _INVALID if _INVALID in items else tuple(items)  # without the wrong ones the others would move up

    def _plain(self, kind: Any, value: object, path: KeyPath) -> Any:
        try:
            return msgspec.convert(value, kind, dec_hook=_to_secret)
        except msgspec.ValidationError:
            return self._wrong(kind, value, path)

    def _wrong(self, kind: Any, value: object, path: KeyPath) -> Any:
        is_plain = not is_container(bare(kind)) and not isinstance(value, dict | list)
        may_echo = is_plain and _NOT_ECHOED.isdisjoint(path)
        problem = f"must be {allowed_words(kind)}" + ("" if may_echo else f", is {found_words(value)}")
        self._faults.add(_tellable(path), problem, found=value if may_echo else HIDDEN)
        return _INVALID


def _tellable(path: KeyPath) -> KeyPath:
    """Return a path that may be told: the name of a header may be a whole line by a slip, its value in it."""
    return path[: path.index("headers") + 1] if "headers" in path else path


def _to_secret(kind: type, value: object) -> Secret:
    if kind is not Secret or not isinstance(value, str) or not value:
        raise ValueError("not a secret")
    return Secret(value)
