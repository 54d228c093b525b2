"""The example file and the reference say what the code does: every key, every default."""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memoryos_adapters.configuration.layers import FILE_VARIABLE, PLAIN_VARIABLES
from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.llm_kinds import LLM_KINDS
from memoryos_adapters.settings import Secret, Settings
from tests.unit.adapters.configuration.support import default_of, every_field, write_config

ROOT = Path(__file__).parents[4]
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
UNCOMMENTED = re.sub(r"^#(?=\S)", "", EXAMPLE, flags=re.MULTILINE)
REFERENCE = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
FIELDS = dict(every_field())

SHOWN_AS_ALTERNATIVES = {
    "storage.redis.password",
    "storage.qdrant.api_key",
    "http.proxy_password",
    "llm.providers.NAME.api_key",
    "embedding.api_key",
    "llm.providers.NAME.entra.client_secret",
    "auth.keys[].key_sha256",
}

SHOWN_WITH_CONTENT = {"llm.aliases", "llm.providers", "router.tiers", "router.tiers[].models", "auth.keys"}

SECRETS = dict.fromkeys(
    ("OPENAI_API_KEY", "AZURE_CLIENT_SECRET", "PROXY_PASSWORD", "QDRANT_API_KEY", "REDIS_PASSWORD", "MEMORYOS_KEY"),
    "a-key",
)


def test_the_example_as_it_is_gives_the_defaults(tmp_path: Path) -> None:
    assert load_settings(write_config(tmp_path, EXAMPLE)) == Settings()


def test_the_example_with_every_key_uncommented_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "authorities.pem").touch()
    settings = load_settings(write_config(tmp_path, UNCOMMENTED) | SECRETS)
    assert settings.llm.default_provider == "openai"
    assert settings.auth.keys[0].user == "alice"
    assert [tier.name for tier in settings.router.tiers] == ["direct", "local", "cloud"]


def test_the_example_suggests_values_that_load(tmp_path: Path) -> None:
    (sensitive,) = re.findall(r"such as (\[\"project tulip.*\])\.$", EXAMPLE, flags=re.MULTILINE)
    (headers,) = re.findall(r"such as (\{ \"X-Title\".*?\});", EXAMPLE)
    text = f'[router]\nsensitive = {sensitive}\n[llm.providers.x]\nkind = "noop"\nheaders = {headers}'
    settings = load_settings(write_config(tmp_path, text))
    assert settings.router.sensitive == ("project tulip", r"/\bDE\d{20}\b/")
    assert settings.llm.providers["x"].headers == {"X-Title": Secret("MemoryOS")}


def test_the_routers_of_the_reference_load(tmp_path: Path) -> None:
    blocks = re.findall(r"^```toml\n(.+?)^```$", REFERENCE, flags=re.MULTILINE | re.DOTALL)
    routers = [load_settings(write_config(tmp_path, block) | SECRETS).router for block in blocks]
    bounds = [[(tier.name, tier.max_prompt_tokens) for tier in router.tiers] for router in routers]
    assert bounds == [
        [("direct", None), ("local", 4000), ("cloud", None)],
        [("tier1", 500), ("tier2", 2000), ("tier3", None)],
    ]


@pytest.mark.parametrize("path", sorted(FIELDS))
def test_the_example_shows_every_key_with_its_default(path: str) -> None:
    if path in SHOWN_AS_ALTERNATIVES:
        assert re.search(rf"^# {path.rpartition('.')[2]} = ", EXAMPLE, flags=re.MULTILINE)
        return
    shown = list(_values_at(tomllib.loads(UNCOMMENTED), path.replace("[]", ".NAME").split(".")))
    assert shown
    default = default_of(FIELDS[path])
    if default not in (None, msgspec.NODEFAULT) and path not in SHOWN_WITH_CONTENT:
        assert json.dumps(shown[0]) == json.dumps(default)


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
    for word, kind in LLM_KINDS.items():
        cells = [f"`{cell}`" if cell else "none" for cell in (kind.base_url, kind.key_env)]
        assert f"| `{word}` | {' | '.join(cells)} |" in REFERENCE
    for variable, parts in PLAIN_VARIABLES.items():
        assert f"| `{variable}` | `{'.'.join(parts)}` |" in REFERENCE
    assert f"| `{FILE_VARIABLE}` |" in REFERENCE


def test_the_example_names_every_kind() -> None:
    (listed,) = re.findall(r"^# (openai \(and .+?)\.$", EXAMPLE, flags=re.MULTILINE)
    assert set(re.sub(r"\(.+?\)|,| or ", " ", listed).split()) == set(LLM_KINDS)


def _values_at(document: Any, parts: Sequence[str]) -> Iterator[Any]:
    """Yield the values at a path whose NAME is any key of a table and any place of a list."""
    if not parts:
        yield document
    elif parts[0] == "NAME":
        for item in document.values() if isinstance(document, dict) else document:
            yield from _values_at(item, parts[1:])
    elif parts[0] in document:
        yield from _values_at(document[parts[0]], parts[1:])
