"""The example file and the reference say what the code does: every key, every default."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from memoryos_adapters.configuration.layers import FILE_VARIABLE, PLAIN_VARIABLES
from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.configuration.provider_kinds import PROVIDER_KINDS
from memoryos_adapters.settings import ProviderKind, Settings
from tests.unit.adapters.configuration.support import default_of, every_field, write_config

ROOT = Path(__file__).parents[4]
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
UNCOMMENTED = re.sub(r"^#(?=\S)", "", EXAMPLE, flags=re.MULTILINE)
REFERENCE = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
FIELDS = dict(every_field())

SHOWN_AS_ALTERNATIVES = {
    "storage.redis.password",
    "storage.qdrant.api_key",
    "llm.providers.NAME.api_key",
    "auth.keys[].key_sha256",
    "router.tiers[].name",
    "router.tiers[].models",
    "router.tiers[].max_prompt_tokens",
}


def test_the_example_as_it_is_gives_the_defaults(tmp_path: Path) -> None:
    assert load_settings(write_config(tmp_path, EXAMPLE)) == Settings()


def test_the_example_with_every_key_uncommented_loads(tmp_path: Path) -> None:
    secrets = dict.fromkeys(("OPENAI_API_KEY", "QDRANT_API_KEY", "REDIS_PASSWORD", "MEMORYOS_KEY"), "a-key")
    settings = load_settings(write_config(tmp_path, UNCOMMENTED) | secrets)
    assert settings.llm.default_provider == "openai"
    assert settings.auth.keys[0].user == "alice"


@pytest.mark.parametrize("path", sorted(FIELDS))
def test_the_example_shows_every_key_with_its_default(path: str) -> None:
    if path in SHOWN_AS_ALTERNATIVES:
        assert re.search(rf"^# {path.rpartition('.')[2]} = ", EXAMPLE, flags=re.MULTILINE)
        return
    shown = _look_up(tomllib.loads(UNCOMMENTED), path)
    default = default_of(FIELDS[path])
    if default not in (None, msgspec.NODEFAULT) and path not in ("llm.aliases", "llm.providers", "auth.keys"):
        assert json.dumps(shown) == json.dumps(default)


@pytest.mark.parametrize("path", sorted(FIELDS))
def test_the_reference_has_a_row_for_every_key_with_its_default(path: str) -> None:
    default = default_of(FIELDS[path])
    text = "required" if default is msgspec.NODEFAULT else "none" if default is None else f"`{json.dumps(default)}`"
    assert f"| `{path}` | {text} |" in REFERENCE


def test_the_reference_names_no_key_that_does_not_exist() -> None:
    table = REFERENCE.partition("## Keys")[2].partition("## Kinds")[0]
    named = re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE)
    assert sorted(named) == sorted(FIELDS)


def test_the_reference_names_every_kind_and_every_plain_variable() -> None:
    for kind, facts in PROVIDER_KINDS.items():
        cells = [f"`{cell}`" if cell else "none" for cell in (facts.base_url, facts.key_env)]
        assert f"| `{kind}` | {' | '.join(cells)} |" in REFERENCE
    for variable, parts in PLAIN_VARIABLES.items():
        assert f"| `{variable}` | `{'.'.join(parts)}` |" in REFERENCE
    assert f"| `{FILE_VARIABLE}` |" in REFERENCE


def test_every_kind_of_provider_has_facts() -> None:
    assert tuple(PROVIDER_KINDS) == get_args(ProviderKind)


def _look_up(document: dict[str, Any], path: str) -> Any:
    found: Any = document
    for part in path.replace("[]", ".0").replace("NAME", "openai").split("."):
        found = found[0] if part == "0" else found[part]
    return found
