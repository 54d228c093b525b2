"""The rules of Azure's providers: the form of their URL, and a key or an application of Microsoft Entra."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import EntraSettings, LlmProviderSettings, Secret
from tests.unit.adapters.configuration.support import faults_of, write_config

RESOURCE = 'base_url = "https://x.example"\napi_version = "2024-10-21"\n'
APPLICATION = 'tenant_id = "t"\nclient_id = "c"\n'


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def azure(directory: Path, text: str) -> dict[str, str]:
    """Write a configuration of one Azure provider and return the environment that names it."""
    return write_config(directory, f'[llm.providers.az]\nkind = "azure_openai"\n{text}') | {"SECRET": "s"}


def entra(directory: Path, text: str) -> dict[str, str]:
    """Write a configuration of one Azure provider with an application and return the environment that names it."""
    return azure(directory, f"{RESOURCE}[llm.providers.az.entra]\n{text}")


@pytest.mark.parametrize(
    "form",
    [
        'base_url = "https://x.example"\napi_version = "2024-10-21"',
        'base_url = "https://x.example/openai/v1"',
        'base_url = "https://x.example/openai/v1/"',
        'base_url = "https://x.example/openai/v1"\napi_version = "preview"',
    ],
)
def test_both_forms_of_the_url_are_taken(tmp_path: Path, form: str) -> None:
    provider = load_settings(azure(tmp_path, f'{form}\napi_key = "k"')).llm.providers["az"]
    assert provider.api_key == Secret("k")


def test_an_application_stands_in_the_place_of_a_key(tmp_path: Path) -> None:
    text = f'{APPLICATION}client_secret_env = "SECRET"\nauthority = "https://login.example/"'
    assert load_settings(entra(tmp_path, text)).llm.providers["az"] == LlmProviderSettings(
        kind="azure_openai",
        base_url="https://x.example",
        api_version="2024-10-21",
        entra=EntraSettings(
            tenant_id="t",
            client_id="c",
            client_secret_env="SECRET",
            client_secret=Secret("s"),
            authority="https://login.example",
        ),
    )


@pytest.mark.parametrize("authority", ["http://127.0.0.1:9", "http://[::1]:9", "http://localhost:9"])
def test_an_authority_on_this_machine_needs_no_https(tmp_path: Path, authority: str) -> None:
    text = f'{APPLICATION}client_secret = "s"\nauthority = "{authority}"'
    provider = load_settings(entra(tmp_path, text)).llm.providers["az"]
    assert provider.entra is not None
    assert provider.entra.authority == authority


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('api_version = "1"\napi_key = "k"', "llm.providers.az.base_url: is missing: azure_openai has no default"),
        ('base_url = 5\napi_version = "1"\napi_key = "k"', "llm.providers.az.base_url: must be a string"),
        ('base_url = "https://x"\napi_key = "k"', "llm.providers.az.api_version: is missing: azure_openai needs one"),
        (
            'base_url = "https://x"\napi_version = ""\napi_key = "k"',
            "llm.providers.az.api_version: is missing: azure_openai needs one",
        ),
        ('base_url = "https://x"\napi_version = 1\napi_key = "k"', "llm.providers.az.api_version: must be a string"),
        (RESOURCE, "llm.providers.az.api_key_env: is missing: azure_openai needs a key"),
        (f'{RESOURCE}entra = "x"', "llm.providers.az.entra: must be a table, is a string"),
        (
            f'{RESOURCE}api_key = "k"\nentra = {{ tenant_id = "t", client_id = "c", client_secret = "s" }}',
            "llm.providers.az.entra: give a key or entra, not both",
        ),
    ],
)
def test_a_wrong_resource_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults_of(azure(tmp_path, text))
    assert found.startswith(fault)


def test_what_is_missing_is_told_with_an_example(tmp_path: Path) -> None:
    version, key = sorted(faults_of(azure(tmp_path, 'base_url = "https://x"')), reverse=True)
    assert 'such as api_version = "2024-10-21", or a base_url that ends in /openai/v1' in version
    assert 'such as api_key_env = "AZURE_OPENAI_API_KEY", or a table entra' in key


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["tenant_id: is missing", "client_id: is missing", "client_secret_env: is missing"]),
        (f'{APPLICATION}client_secret_env = "GONE"', ["client_secret_env: variable GONE is not set"]),
        (
            f'{APPLICATION}client_secret = "a"\nclient_secret_env = "SECRET"',
            ["client_secret_env: give client_secret_env"],
        ),
        (f"{APPLICATION}client_secret = 5", ["client_secret: must be a non-empty string"]),
        ('tenant_id = ""\nclient_id = "c"\nclient_secret = "s"', ["tenant_id: must be a non-empty string"]),
        (f'{APPLICATION}client_secret = "s"\nscope = "x"', ["scope: unknown key"]),
        (
            f'{APPLICATION}client_secret = "s"\nauthority = "http://login.example"',
            ["authority: must begin with https:// (found 'http://login.example' in "],
        ),
        (
            f'{APPLICATION}client_secret = "s"\nauthority = "login.example"',
            ["authority: must begin with http:// or https://"],
        ),
    ],
)
def test_a_wrong_application_is_refused(tmp_path: Path, text: str, faults: list[str]) -> None:
    found = faults_of(entra(tmp_path, text))
    assert len(found) == len(faults)
    for one, fault in zip(found, faults, strict=True):
        assert one.startswith(f"llm.providers.az.entra.{fault}")


@pytest.mark.parametrize("kind", ["openai", "noop"])
def test_other_kinds_have_neither_version_nor_application(tmp_path: Path, kind: str) -> None:
    text = (
        f'[llm.providers.x]\nkind = "{kind}"\napi_key = "k"\napi_version = "1"\n'
        f'[llm.providers.x.entra]\n{APPLICATION}client_secret = "s"'
    )
    version, application = faults_of(write_config(tmp_path, text))
    assert version.startswith("llm.providers.x.api_version: is Azure's only (found '1' in ")
    assert application.startswith("llm.providers.x.entra: is Azure's only (in ")
    assert f"{kind} has none, azure_openai does" in version


def test_a_kind_that_does_not_exist_is_the_only_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(write_config(tmp_path, f'[llm.providers.x]\nkind = "azur"\n{RESOURCE}'))
    assert fault.startswith("llm.providers.x.kind: must be one of")
