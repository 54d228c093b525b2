"""What `doctor` shows of a configuration: JSON values, without any secret."""

import json
from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import describe, load_settings
from memoryos_adapters.settings import Secret

ENVIRON = {
    "OPENAI_API_KEY": "sk-very-secret",
    "K": "key-very-secret",
    "MEMORYOS__AUTH__KEYS": '[{key_env = "K", tenant = "acme"}]',
    "MEMORYOS__STORAGE__REDIS__URL": "redis://:pw-very-secret@host",
}


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_neither_description_nor_repr_tells_a_secret() -> None:
    settings = load_settings(ENVIRON, flags={"provider": "openai"})
    for text in (json.dumps(describe(settings)), repr(settings), str(settings)):
        assert "very-secret" not in text


def test_a_description_masks_secrets_and_cuts_hashes() -> None:
    description = describe(load_settings(ENVIRON, flags={"provider": "openai"}))
    assert description["llm"]["providers"]["openai"]["api_key"] == "Secret(…)"
    assert description["storage"]["redis"]["password"] == "Secret(…)"
    assert len(description["auth"]["keys"][0]["key_sha256"]) == 9
    assert description["server"]["port"] == 8080


def test_a_description_masks_headers_proxy_and_the_secret_of_an_application() -> None:
    environ = {
        "MEMORYOS__HTTP__PROXY": "http://me:proxy-very-secret@proxy:3128",
        "MEMORYOS__LLM__PROVIDERS__X__KIND": "azure_openai",
        "MEMORYOS__LLM__PROVIDERS__X__BASE_URL": "https://x.example/openai/v1",
        "MEMORYOS__LLM__PROVIDERS__X__HEADERS__X-KEY": "header-very-secret",
        "MEMORYOS__LLM__PROVIDERS__X__ENTRA": '{tenant_id = "t", client_id = "c", client_secret = "app-very-secret"}',
    }
    description = describe(load_settings(environ))
    assert "very-secret" not in json.dumps(description)
    assert description["http"]["proxy"] == "http://me@proxy:3128"
    assert description["http"]["proxy_password"] == "Secret(…)"
    assert description["llm"]["providers"]["x"]["headers"] == {"x-key": "Secret(…)"}
    assert description["llm"]["providers"]["x"]["entra"]["client_secret"] == "Secret(…)"


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("sk-1")
    assert {repr(secret), str(secret), f"{secret}", f"{secret!r:>3}"} == {"Secret(…)"}
    assert secret.reveal() == "sk-1"
    assert secret == Secret("sk-1")
    assert secret != "sk-1"
    assert len({secret, Secret("sk-1")}) == 1
