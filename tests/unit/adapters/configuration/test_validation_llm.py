"""The rules for providers: where they are, how their key is found, which is the default, what an alias may name."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.llm_kinds import LLM_KINDS
from memoryos_adapters.settings import LlmProviderSettings, LlmSettings, Secret
from tests.unit.adapters.configuration.support import faults_of, write_config

KEYS = {"OPENAI_API_KEY": "sk-1"}
KINDS = ", ".join(map(repr, sorted(LLM_KINDS)))  # as a fault lists them


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_start_on_one_line_adds_a_provider_and_makes_it_the_default() -> None:
    openai = LlmProviderSettings(
        kind="openai",
        base_url="https://api.openai.com/v1",
        api_key_env="OPENAI_API_KEY",
        api_key=Secret("sk-1"),
    )
    assert load_settings(KEYS, flags={"provider": "openai"}).llm == LlmSettings(
        default_provider="openai", providers={"openai": openai}
    )


@pytest.mark.parametrize("kind", ["anthropic", "gemini", "deepseek", "openrouter"])
def test_every_cloud_starts_on_one_line_with_its_usual_variable(kind: str) -> None:
    known = LLM_KINDS[kind]
    assert known.key_env is not None
    assert known.base_url is not None
    provider = LlmProviderSettings(
        kind=kind, base_url=known.base_url, api_key_env=known.key_env, api_key=Secret("a-key")
    )
    llm = load_settings({known.key_env: "a-key"}, flags={"provider": kind}).llm
    assert llm == LlmSettings(default_provider=kind, providers={kind: provider})


@pytest.mark.parametrize(("kind", "base_url"), [("ollama", "http://127.0.0.1:11434"), ("noop", "")])
def test_what_needs_no_key_starts_on_one_line(kind: str, base_url: str) -> None:
    llm = load_settings({}, flags={"provider": kind}).llm
    provider = LlmProviderSettings(kind=kind, base_url=base_url)
    assert llm == LlmSettings(default_provider=kind, providers={kind: provider})


def test_the_start_on_one_line_may_name_the_model() -> None:
    llm = load_settings(KEYS, flags={"provider": "openai", "model": "gpt-5"}).llm
    assert llm.providers["openai"].models == ("gpt-5",)


def test_a_provider_is_never_added_because_a_variable_exists() -> None:
    assert load_settings(KEYS).llm == LlmSettings()


def test_the_provider_flag_makes_a_configured_one_the_default(tmp_path: Path) -> None:
    text = '[llm.providers.work]\nkind = "noop"\nmodels = ["a", "b"]\n[llm.providers.home]\nkind = "noop"'
    llm = load_settings(write_config(tmp_path, text), flags={"provider": "work", "model": "b"}).llm
    assert llm.default_provider == "work"
    assert llm.providers["work"].models == ("b", "a")


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        ({"provider": "opnai"}, "provider: no such provider or kind of provider (found 'opnai'; did you mean openai?)"),
        ({"model": "gpt-5"}, "model: needs --provider (found 'gpt-5')"),
        (
            {"provider": "openai"},
            "llm.providers.openai.api_key_env: variable OPENAI_API_KEY is not set (in flag --provider)",
        ),
    ],
)
def test_a_wrong_start_on_one_line_is_refused(flags: dict[str, str], fault: str) -> None:
    assert faults_of({}, flags=flags) == [fault]


def test_a_key_is_given_by_variable_or_literally(tmp_path: Path) -> None:
    text = (
        '[llm]\ndefault_provider = "a"\n[llm.providers.a]\nkind = "openai"\napi_key = "sk-2"\n'
        '[llm.providers.b]\nkind = "openai"\napi_key_env = "OPENAI_API_KEY"'
    )
    providers = load_settings(write_config(tmp_path, text) | KEYS).llm.providers
    assert [provider.api_key for provider in providers.values()] == [Secret("sk-2"), Secret("sk-1")]


def test_an_own_server_of_kind_openai_needs_no_key() -> None:
    environ = {
        "MEMORYOS__LLM__PROVIDERS__LOCAL__KIND": "openai",
        "MEMORYOS__LLM__PROVIDERS__LOCAL__BASE_URL": "http://127.0.0.1:8000/v1/",
    }
    assert load_settings(environ).llm.providers["local"].base_url == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("base_url", ["", "https://api.openai.com/v1", "https://api.openai.com/v1/"])
def test_the_cloud_of_openai_needs_a_key(base_url: str) -> None:
    environ = {"MEMORYOS__LLM__PROVIDERS__X__KIND": "openai", "MEMORYOS__LLM__PROVIDERS__X__BASE_URL": base_url}
    (fault,) = faults_of(environ)
    assert fault.startswith("llm.providers.x.api_key_env: is missing: openai needs a key (in variable")
    assert 'api_key_env = "OPENAI_API_KEY"' in fault


def test_an_unknown_kind_is_told_with_all_that_there_are_and_beside_every_other_fault() -> None:
    prefix = "MEMORYOS__LLM__PROVIDERS__X__"
    faults = faults_of({f"{prefix}KIND": "opnai", f"{prefix}BASE_URL": "x", f"{prefix}API_KEY_ENV": "GONE"})
    assert faults == [
        f"llm.providers.x.kind: must be one of {KINDS} (found 'opnai' in variable {prefix}KIND)",
        f"llm.providers.x.api_key_env: variable GONE is not set (in variable {prefix}API_KEY_ENV)",
        f"llm.providers.x.base_url: must begin with http:// or https:// (found 'x' in variable {prefix}BASE_URL)",
    ]


@pytest.mark.parametrize("kind", ["5", '""', '["openai"]', "{}"])
def test_what_is_no_kind_at_all_is_told_with_all_that_there_are(tmp_path: Path, kind: str) -> None:
    (fault,) = faults_of(write_config(tmp_path, f"[llm.providers.x]\nkind = {kind}"))
    assert fault.startswith(f"llm.providers.x.kind: must be one of {KINDS}")


@pytest.mark.parametrize("kind", ["anthropic", "gemini", "deepseek", "openrouter", "azure_openai"])
def test_every_cloud_needs_a_key(kind: str) -> None:
    faults = faults_of({"MEMORYOS__LLM__PROVIDERS__X__KIND": kind})
    assert any(f"is missing: {kind} needs a key" in fault for fault in faults)


def test_azure_has_no_default_url() -> None:
    faults = faults_of({"MEMORYOS__LLM__PROVIDERS__X__KIND": "azure_openai"})
    assert any(fault.startswith("llm.providers.x.base_url: is missing") for fault in faults)


def test_a_wrong_key_setting_is_told_once(tmp_path: Path) -> None:
    faults = faults_of(write_config(tmp_path, '[llm.providers.x]\nkind = "openai"\napi_key_env = 5'))
    assert len(faults) == 1


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [
        ("api.example.org/v1", "must begin with http:// or https://"),
        ("ftp://example.org", "must begin with http:// or https://"),
        ("http:///v1", "names no host"),
        ("http://user@example.org", "must not hold a user name or password"),
        ("http://example.org?x=1", "must not hold a query or fragment"),
        ("http://example.org:70000", "is not a URL"),
        ("http://exa mple.org", "is not a URL"),
        ("http://[::1", "is not a URL"),
    ],
)
def test_a_wrong_url_is_refused(base_url: str, problem: str) -> None:
    environ = {"MEMORYOS__LLM__PROVIDERS__X__KIND": "noop", "MEMORYOS__LLM__PROVIDERS__X__BASE_URL": base_url}
    (fault,) = faults_of(environ)
    assert fault.startswith(f"llm.providers.x.base_url: {problem}")


def test_the_name_of_a_provider_has_no_slash(tmp_path: Path) -> None:
    (fault,) = faults_of(write_config(tmp_path, '[llm.providers."a/b"]\nkind = "noop"'))
    assert fault.startswith("llm.providers.a/b: the name of a provider must be 1-128 characters")


@pytest.mark.parametrize("name", ["auto", "memoryos"])
def test_names_of_the_gateways_own_are_no_provider(tmp_path: Path, name: str) -> None:
    (fault,) = faults_of(write_config(tmp_path, f'[llm.providers.{name}]\nkind = "noop"'))
    assert fault.startswith(f"llm.providers.{name}: is a name of the gateway's own (in ")
    assert fault.endswith("; allowed: any but auto and memoryos)")


@pytest.mark.parametrize("kind", ["anthropic", "gemini", "ollama"])
@pytest.mark.parametrize("end", ["/v1", "/v1/", "/v1beta", "/v2", "/api", "/api/"])
def test_a_url_to_which_the_version_is_added_holds_none(kind: str, end: str) -> None:
    prefix, base_url = "MEMORYOS__LLM__PROVIDERS__X__", f"http://127.0.0.1:1/own{end}"
    (fault,) = faults_of({f"{prefix}KIND": kind, f"{prefix}BASE_URL": base_url, f"{prefix}API_KEY": "k"})
    assert fault.startswith(f"llm.providers.x.base_url: must not end in {end.rstrip('/')}, which is added to it")
    assert f"found {base_url!r} in variable" in fault
    assert fault.endswith("; without version: http://127.0.0.1:1/own)")


@pytest.mark.parametrize(
    ("kind", "base_url"),
    [
        ("anthropic", "https://gateway.example/v1/team/anthropic"),
        ("anthropic", "https://api.example"),
        ("ollama", "http://ollama.example/apis"),
        ("openai", "http://own.example/api"),
        ("openrouter", "https://openrouter.ai/api/v1"),
        ("deepseek", "https://api.deepseek.com/v1"),
    ],
)
def test_other_urls_stay_as_they_are(kind: str, base_url: str) -> None:
    prefix = "MEMORYOS__LLM__PROVIDERS__X__"
    environ = {f"{prefix}KIND": kind, f"{prefix}BASE_URL": base_url, f"{prefix}API_KEY": "k"}
    assert load_settings(environ).llm.providers["x"].base_url == base_url


@pytest.mark.parametrize("alias", ["auto", "memoryos/minilm"])
def test_names_of_the_gateways_own_are_no_alias(tmp_path: Path, alias: str) -> None:
    text = f'[llm.aliases]\n"{alias}" = "one/m"\n[llm.providers.one]\nkind = "noop"'
    (fault,) = faults_of(write_config(tmp_path, text))
    assert fault.startswith(f"llm.aliases.{alias}: is a name of the gateway's own (in ")
    assert fault.endswith("; allowed: any but auto and memoryos/…)")


@pytest.mark.parametrize(
    ("llm", "fault"),
    [
        ('default_provider = "on"', "llm.default_provider: no such provider (found 'on' in "),
        ("", "llm.default_provider: is missing: several providers are configured (allowed: one, two)"),
        ("default_provider = 5", "llm.default_provider: must be a string"),
        ('default_provider = "one"\naliases = { fast = "one" }', "llm.aliases.fast: must be PROVIDER/MODEL"),
        ('default_provider = "one"\naliases = { fast = "one/" }', "llm.aliases.fast: must be PROVIDER/MODEL"),
        ('default_provider = "one"\naliases = { fast = "tow/m" }', "llm.aliases.fast: no provider is called tow"),
        ('default_provider = "one"\naliases = { fast = "two/n" }', "llm.aliases.fast: two does not serve this model"),
    ],
)
def test_names_must_lead_somewhere(tmp_path: Path, llm: str, fault: str) -> None:
    text = f'[llm]\n{llm}\n[llm.providers.one]\nkind = "noop"\n[llm.providers.two]\nkind = "noop"\nmodels = ["m/1"]'
    (found,) = faults_of(write_config(tmp_path, text))
    assert found.startswith(fault)


def test_an_alias_names_any_model_of_an_open_provider_and_a_listed_one_else(tmp_path: Path) -> None:
    text = (
        '[llm]\ndefault_provider = "one"\naliases = { a = "one/any", b = "two/m/1" }\n'
        '[llm.providers.one]\nkind = "noop"\n[llm.providers.two]\nkind = "noop"\nmodels = ["m/1"]'
    )
    assert load_settings(write_config(tmp_path, text)).llm.aliases == {"a": "one/any", "b": "two/m/1"}
