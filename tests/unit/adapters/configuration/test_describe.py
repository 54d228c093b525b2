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


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("sk-1")
    assert {repr(secret), str(secret), f"{secret}", f"{secret!r:>3}"} == {"Secret(…)"}
    assert secret.reveal() == "sk-1"
    assert secret == Secret("sk-1")
    assert secret != "sk-1"
    assert len({secret, Secret("sk-1")}) == 1
