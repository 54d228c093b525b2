"""Makers for the tests of the configuration."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.configuration.types import bare, is_struct
from memoryos_adapters.settings import Settings
from memoryos_ports.errors import ConfigurationError


def write_config(directory: Path, text: str) -> dict[str, str]:
    """Write a configuration file and return the environment that names it."""
    path = directory / "config.toml"
    path.write_text(text, encoding="utf-8")
    return {"MEMORYOS_CONFIG": str(path)}


def faults_of(environ: Mapping[str, str], *, flags: Mapping[str, str] | None = None) -> list[str]:
    """Return the faults that loading ends in."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, flags=flags or {})
    return list(caught.value.faults)


def every_field() -> Iterator[tuple[str, msgspec.structs.FieldInfo]]:
    """Yield every key of the configuration as the reference writes it, sections themselves left out."""
    yield from _fields_of(Settings, "")


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """Return a field's default, NODEFAULT when it is required."""
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def _fields_of(section: type[msgspec.Struct], prefix: str) -> Iterator[tuple[str, msgspec.structs.FieldInfo]]:
    for field in msgspec.structs.fields(section):
        path, kind = prefix + field.name, bare(field.type)
        if is_struct(kind):
            yield from _fields_of(kind, f"{path}.")
            continue
        yield path, field
        if get_origin(kind) in (dict, tuple):
            item = bare(get_args(kind)[1 if get_origin(kind) is dict else 0])
            if is_struct(item):
                yield from _fields_of(item, f"{path}.NAME." if get_origin(kind) is dict else f"{path}[].")
