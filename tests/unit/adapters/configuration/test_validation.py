"""The rules between keys: what belongs together, what exists, what may be reached from outside."""

import hashlib
from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import AuthKeySettings
from tests.unit.adapters.configuration.support import faults_of, write_config

KEY = "K-1"  # the key that the tests configure
KEY_SHA256 = hashlib.sha256(KEY.encode()).hexdigest()


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert load_settings({"MEMORYOS__SERVER__HOST": host}).server.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", "localhost.example.org"])
def test_the_network_is_refused_without_a_key(host: str) -> None:
    (fault,) = faults_of({"MEMORYOS__SERVER__HOST": host})
    assert fault.startswith("server.host: would open the gateway to the network without any key")
    assert "server.open_to_network = true" in fault


@pytest.mark.parametrize(
    "consent",
    [
        {"MEMORYOS__SERVER__OPEN_TO_NETWORK": "yes"},
        {"MEMORYOS__AUTH__KEYS": '[{key_env = "K", tenant = "acme"}]', "K": KEY},
    ],
)
def test_the_network_is_allowed_with_a_key_or_in_so_many_words(consent: dict[str, str]) -> None:
    assert load_settings({"MEMORYOS__SERVER__HOST": "0.0.0.0", **consent}).server.host == "0.0.0.0"


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://a.example/", "https://A.example", "ftp://a.example", "a.example", "https://a:x"]
)
def test_what_is_not_an_origin_is_refused(origin: str) -> None:
    (fault,) = faults_of({"MEMORYOS__SERVER__ALLOWED_ORIGINS": origin})
    assert fault.startswith("server.allowed_origins[0]: is not an origin")


@pytest.mark.parametrize("keys", [{}, {"MEMORYOS__AUTH__KEYS": '[{key_env = "K", tenant = "acme"}]', "K": KEY}])
def test_origins_are_allowed_with_and_without_keys(keys: dict[str, str]) -> None:
    origins = {"MEMORYOS__SERVER__ALLOWED_ORIGINS": "https://a.example,http://localhost:3000"}
    assert load_settings(origins | keys).server.allowed_origins == ("https://a.example", "http://localhost:3000")


def test_levels_are_read_in_any_case() -> None:
    assert load_settings({"MEMORYOS__LOG__LEVEL": "WARNING"}).log.level == "warning"


def test_a_key_is_resolved_to_its_hash(tmp_path: Path) -> None:
    text = (
        '[[auth.keys]]\nkey_env = "K"\ntenant = "acme"\nuser = "alice"\nscopes = ["admin"]\n'
        f'[[auth.keys]]\nkey_sha256 = "{"AB" * 32}"\ntenant = "acme"'
    )
    keys = load_settings(write_config(tmp_path, text) | {"K": KEY}).auth.keys
    assert keys == (
        AuthKeySettings(key_env="K", key_sha256=KEY_SHA256, tenant="acme", user="alice", scopes=("admin",)),
        AuthKeySettings(key_sha256="ab" * 32, tenant="acme"),
    )


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ('tenant = "a"', "auth.keys[0]: needs exactly one of key_env and key_sha256"),
        (
            f'tenant = "a"\nkey_env = "K"\nkey_sha256 = "{KEY_SHA256}"',
            "auth.keys[0]: needs exactly one of key_env and key_sha256",
        ),
        ('key_env = "K"', "auth.keys[0].tenant: is missing"),
        ('tenant = "a b"\nkey_env = "K"', "auth.keys[0].tenant: must be 1-128 characters"),
        ('tenant = "a"\nuser = ""\nkey_env = "K"', "auth.keys[0].user: must be 1-128 characters"),
        ('tenant = "a"\nkey_env = "GONE"', "auth.keys[0].key_env: variable GONE is not set"),
        ('tenant = "a"\nkey_env = "EMPTY"', "auth.keys[0].key_env: variable EMPTY is empty"),
        ('tenant = "a"\nkey_env = "BLANK"', "auth.keys[0].key_env: variable BLANK holds blanks"),
        ('tenant = "a"\nkey_sha256 = "abc"', "auth.keys[0].key_sha256: is not a SHA-256"),
        ('tenant = "a"\nkey_env = "K"\nscopes = ["root"]', "auth.keys[0].scopes[0]: must be one of 'admin', 'chat'"),
        ('tenant = "a"\nkey_env = "K"\nmemory_mode = "on"', "auth.keys[0].memory_mode: must be one of 'full'"),
        ('tenant = "a"\nkey_env = "K"\nmodels = ["a", ""]', "auth.keys[0].models[1]: names no models (found ''"),
        ('tenant = "a"\nkey_env = "K"\nmodels = ["*/a"]', "auth.keys[0].models[0]: names no models (found '*/a'"),
        ('tenant = "a"\nkey_env = "K"\nmodels = ["a**"]', "auth.keys[0].models[0]: names no models (found 'a**'"),
        ('tenant = "a"\nkey_env = "K"\nmodels = ["a, b"]', "auth.keys[0].models[0]: names no models (found 'a, b'"),
        ('tenant = "a"\nkey_env = "K"\nmodels = ["a\\u0000"]', "auth.keys[0].models[0]: names no models (found 'a"),
    ],
)
def test_a_wrong_key_is_refused(tmp_path: Path, key: str, fault: str) -> None:
    environ = write_config(tmp_path, f"[[auth.keys]]\n{key}") | {"K": KEY, "EMPTY": "", "BLANK": "a b\n"}
    (found,) = faults_of(environ)
    assert found.startswith(fault)


def test_a_key_is_bound_to_models_by_name_or_by_how_names_begin(tmp_path: Path) -> None:
    text = '[[auth.keys]]\nkey_env = "K"\ntenant = "a"\nmodels = ["fast", "router/org/m:free", "openai/gpt-*", "*"]'
    (key,) = load_settings(write_config(tmp_path, text) | {"K": KEY}).auth.keys
    assert key.models == ("fast", "router/org/m:free", "openai/gpt-*", "*")


def test_the_same_key_twice_is_refused(tmp_path: Path) -> None:
    text = (
        f'[[auth.keys]]\nkey_env = "K"\ntenant = "a"\n[[auth.keys]]\nkey_sha256 = "{KEY_SHA256.upper()}"\ntenant = "b"'
    )
    (fault,) = faults_of(write_config(tmp_path, text) | {"K": KEY})
    assert fault.startswith("auth.keys[1]: is the same key as auth.keys[0]")
    assert KEY_SHA256 not in fault.lower()
