"""The rules for the section `embedding`."""

from typing import Literal

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import EmbeddingSettings, Secret
from tests.unit.adapters.configuration.support import faults_of

OPENAI = {"MEMORYOS__EMBEDDING__KIND": "openai", "MEMORYOS__EMBEDDING__MODEL": "m"}
URL, KEY, KEY_ENV = "MEMORYOS__EMBEDDING__BASE_URL", "MEMORYOS__EMBEDDING__API_KEY", "MEMORYOS__EMBEDDING__API_KEY_ENV"
SIZE, DIMENSIONS = "MEMORYOS__EMBEDDING__BATCH_SIZE", "MEMORYOS__EMBEDDING__DIMENSIONS"


@pytest.mark.parametrize("kind", ["minilm", "static", "hashed"])
def test_what_runs_here_needs_nothing(kind: Literal["minilm", "static", "hashed"]) -> None:
    assert load_settings({"MEMORYOS__EMBEDDING__KIND": kind}).embedding == EmbeddingSettings(kind=kind)


def test_the_key_becomes_a_secret_and_the_address_loses_its_slash() -> None:
    given = {URL: "https://house.example/v1/", KEY_ENV: "HOUSE_KEY", "HOUSE_KEY": "sk-house"}
    assert load_settings(OPENAI | given).embedding == EmbeddingSettings(
        kind="openai",
        model="m",
        base_url="https://house.example/v1",
        api_key_env="HOUSE_KEY",
        api_key=Secret("sk-house"),
    )


def test_a_server_of_ones_own_may_do_without_a_key() -> None:
    assert load_settings(OPENAI | {URL: "http://127.0.0.1:8000/v1"}).embedding.api_key is None


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (
            OPENAI,
            'embedding.api_key_env: is missing: OpenAI needs a key (such as api_key_env = "OPENAI_API_KEY")',
        ),
        (
            {"MEMORYOS__EMBEDDING__KIND": "openai", KEY: "sk-key"},
            "embedding.model: is missing: the kind openai needs one",
        ),
        (OPENAI | {KEY_ENV: "NO_KEY"}, f"embedding.api_key_env: variable NO_KEY is not set (in variable {KEY_ENV})"),
        (
            OPENAI | {KEY: "sk-key", KEY_ENV: "HOUSE_KEY"},
            f"embedding.api_key_env: give api_key_env or api_key, not both (in variable {KEY_ENV})",
        ),
        (
            OPENAI | {URL: "house.example"},
            f"embedding.base_url: must begin with http:// or https:// (found 'house.example' in variable {URL})",
        ),
        (
            {SIZE: "2049"},
            f"embedding.batch_size: must be an integer from 1 to 2048 (found 2049 in variable {SIZE})",
        ),
        (
            {DIMENSIONS: "0"},
            f"embedding.dimensions: must be an integer from 1 (found 0 in variable {DIMENSIONS})",
        ),
        (
            {"MEMORYOS__EMBEDDING__MODLE": "m"},
            "embedding.modle: unknown key (in variable MEMORYOS__EMBEDDING__MODLE; did you mean model?)",
        ),
    ],
)
def test_a_fault_names_the_key(given: dict[str, str], fault: str) -> None:
    assert faults_of(given) == [fault]


def test_a_key_is_never_told() -> None:
    assert "sk" not in "".join(faults_of(OPENAI | {KEY: "sk key", URL: "https://u:sk@house.example"}))
