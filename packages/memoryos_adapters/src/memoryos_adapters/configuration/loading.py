"""The configuration: config.toml, then the environment, then flags, checked as a whole and frozen into `Settings`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from memoryos_adapters.configuration.conversion import convert_settings
from memoryos_adapters.configuration.faults import Faults
from memoryos_adapters.configuration.layers import Layers, lay_environment, lay_file, lay_flags
from memoryos_adapters.configuration.validation import check_settings
from memoryos_adapters.settings import Secret, Settings

_NO_FLAGS: Final[Mapping[str, str]] = MappingProxyType({})
_HASH_DIGITS_SHOWN = 8


def load_settings(environ: Mapping[str, str], *, flags: Mapping[str, str] = _NO_FLAGS) -> Settings:
    """Return the checked settings, secrets resolved; a later layer wins: file < environment < flags.

    The file is the one that ``MEMORYOS_CONFIG`` names, else ``./config.toml`` when it exists. `flags` maps
    ``section.key`` to its value as text; ``provider`` (a configured name, or a kind) and ``model`` are the start on
    one line. Every variable named by an ``*_env`` key is looked up here, so nobody else needs `environ`.

    Raises ConfigurationError with all faults, each ``key.path: what is wrong (what was found and where; what is
    allowed)``. When the file itself cannot be read, the rules that look at several keys are not applied.
    """
    layers = Layers()
    faults = Faults(layers.origin_of, gives=layers.gives)
    is_complete = lay_file(layers, environ, faults)
    lay_environment(layers, environ, faults)
    lay_flags(layers, flags, faults)
    settings = convert_settings(layers.tree, faults, complete=is_complete)
    if is_complete:
        settings = check_settings(settings, environ, faults)
    faults.raise_any()
    return settings


def describe(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON values, for people to read: secrets are masked, key hashes cut to 8 digits."""
    description: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=_mask)
    for key in description["auth"]["keys"]:
        if key["key_sha256"]:
            key["key_sha256"] = key["key_sha256"][:_HASH_DIGITS_SHOWN] + "…"
    return description


def _mask(value: object) -> str:
    if isinstance(value, Secret):
        return repr(value)
    raise NotImplementedError(f"no JSON form of {type(value).__name__}")
