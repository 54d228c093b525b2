"""What a wrong configuration is told: everything at once, with its place, and never a secret."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_ports.errors import ConfigurationError
from tests.unit.adapters.configuration.support import faults_of, write_config

SECRET = "sk-very-secret"  # what must never be told


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_all_faults_are_told_together(tmp_path: Path) -> None:
    write_config(
        tmp_path, '[server]\nprot = 1\nport = 70000\n[memory]\nbudget_tokens = "many"\n[storage]\nprofile = "cloud"'
    )
    environ = {"MEMORYOS_CONFIG": "config.toml", "MEMORYOS__LOG__LEVEL": "loud"}
    assert faults_of(environ, flags={"worker.block_ms": "0"}) == [
        "server.prot: unknown key (in config.toml; did you mean port?)",
        "server.port: must be an integer from 0 to 65535 (found 70000 in config.toml)",
        "storage.profile: must be one of 'embedded', 'noop', 'server' (found 'cloud' in config.toml)",
        "memory.budget_tokens: must be an integer from 1 (found 'many' in config.toml)",
        "worker.block_ms: must be an integer from 1 (found 0 in flag --worker.block_ms)",
        "log.level: unknown level (found 'loud' in variable MEMORYOS__LOG__LEVEL; "
        "allowed: 'trace', 'debug', 'info', 'success', 'warning', 'error', 'critical')",
    ]


@pytest.mark.parametrize(
    ("variable", "fault"),
    [
        ("MEMORYOS__SEVER__PORT", "sever: unknown key (in variable MEMORYOS__SEVER__PORT; did you mean server?)"),
        ("MEMORYOS__SERVER__PORT__X", "server.port: must be an integer from 0 to 65535, is a table"),
        ("MEMORYOS__SERVER", "server: must be a table, is a string"),
        ("MEMORYOS__AUTH__KEYS", "auth.keys: must be a list, is a string"),
        ("MEMORYOS__LLM__PROVIDERS__X", "llm.providers.x: must be a table, is a string"),
        ("MEMORYOS__LOG__FORMAT", "log.format: must be one of 'json', 'pretty' (found 'nonsense' in variable"),
        ("MEMORYOS__SERVER__BODY_LIMIT_MB", "server.body_limit_mb: must be a number above 0 and up to 1000000 (found"),
        ("MEMORYOS__SERVER__OPEN_TO_NETWORK", "server.open_to_network: must be true or false (found 'nonsense'"),
    ],
)
def test_a_wrong_variable_names_key_and_variable(variable: str, fault: str) -> None:
    (found,) = faults_of({variable: "nonsense"})
    assert found.startswith(fault)
    assert variable in found


@pytest.mark.parametrize("number", ["0", "-1", "nan", "inf"])
def test_time_outs_are_positive_and_finite(number: str) -> None:
    environ = {"MEMORYOS__LLM__PROVIDERS__X__KIND": "noop", "MEMORYOS__LLM__PROVIDERS__X__IDLE_TIMEOUT_S": number}
    (fault,) = faults_of(environ)
    assert fault.startswith("llm.providers.x.idle_timeout_s: must be a number above 0")


def test_a_missing_field_is_told_with_what_is_allowed(tmp_path: Path) -> None:
    (fault,) = faults_of(write_config(tmp_path, "[llm.providers.x]\nlocal = true"))
    assert fault.startswith("llm.providers.x.kind: is missing (in ")
    assert "'noop'" in fault


def test_a_text_with_a_line_break_sets_nothing_else() -> None:
    (fault,) = faults_of({"MEMORYOS__SERVER__PORT": "1\nhost = 2"})
    assert fault.startswith("server.port: must be an integer")


@pytest.mark.parametrize(
    "text",
    [
        f'[llm.providers.x]\nkind = "openai"\napikey = "{SECRET}"',
        f'[llm.providers.x]\nkind = "openai"\napi_key = ["{SECRET}"]',
        f'[llm.providers.x]\nkind = "openai"\napi_key_env = "{SECRET}"',
        f'[llm.providers.x]\nkind = "openai"\napi_key_env = "K"\napi_key = "{SECRET}"',
        f'[llm.providers.x]\nkind = "openai"\napi_key = "{SECRET} "',
        f'[llm.providers]\nx = "{SECRET}"',
        f'[llm.providers.x]\nkind = "noop"\nbase_url = "https://user:{SECRET}@example.org"',
        f'[llm.providers.x]\nkind = "noop"\nbase_url = "https://example.org/?key={SECRET}"',
        f'[[auth.keys]]\ntenant = "a"\nkey_sha256 = "{SECRET}"',
        f'[[auth.keys]]\ntenant = "a"\nkey_env = "{SECRET}"',
        f'[auth]\nkeys = ["{SECRET}"]',
        f'[auth]\nkeys = "{SECRET}"',
        f'[storage.redis]\nurl = "http://:{SECRET}@127.0.0.1"',
        f'[storage.redis]\npassword = {{ x = "{SECRET}" }}',
        f'[llm.providers.x]\nkind = "openai"\napi_key = "{SECRET}',
        f'[llm.providers.x]\nkind = "noop"\nheaders = "x-key: {SECRET}"',
        f'[llm.providers.x]\nkind = "noop"\nheaders = ["{SECRET}"]',
        f'[llm.providers.x]\nkind = "noop"\nheaders = {{ x-key = ["{SECRET}"] }}',
        f'[llm.providers.x]\nkind = "noop"\nheaders = {{ x-key = "{SECRET}\\u0000" }}',
        f'[llm.providers.x]\nkind = "noop"\nheaders = {{ "x-key: {SECRET}" = "" }}',
        f'[llm.providers.x]\nkind = "noop"\nheaders = {{ authorization = "{SECRET}" }}',
        f'[llm.providers.x]\nkind = "azure_openai"\nentra = "{SECRET}"',
        f'[llm.providers.x]\nkind = "azure_openai"\n[llm.providers.x.entra]\nsecret = "{SECRET}"',
        f'[llm.providers.x]\nkind = "azure_openai"\n[llm.providers.x.entra]\nclient_secret_env = "{SECRET}"',
        f'[llm.providers.x]\nkind = "azure_openai"\n[llm.providers.x.entra]\nclient_secret = "{SECRET} "',
        f'[llm.providers.x]\nkind = "azure_openai"\n[llm.providers.x.entra]\nauthority = "http://u:{SECRET}@x"',
        f'[http]\nproxy = "ftp://u:{SECRET}@proxy"',
        f'[http]\nproxy = "http://:{SECRET}@proxy"',
        f'[http]\nproxy = ["http://u:{SECRET}@proxy"]',
        f'[http]\nproxy_password = "{SECRET}"',
        f'[http]\nproxy_password_env = "{SECRET}"',
        f'[http]\nno_proxy = ["http://u:{SECRET}@proxy"]',
    ],
)
def test_no_fault_tells_a_secret(tmp_path: Path, text: str) -> None:
    environ = write_config(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


def test_a_secret_of_the_wrong_type_is_not_told(tmp_path: Path) -> None:
    (fault,) = faults_of(write_config(tmp_path, '[llm.providers.x]\nkind = "openai"\napi_key = 5551234'))
    assert fault.startswith("llm.providers.x.api_key: must be a non-empty string, is an integer (in ")
    assert "5551234" not in fault


@pytest.mark.parametrize(
    "text",
    [
        '[llm.providers.x]\nkind = "noop"\nheaders = { x-key = 5551234 }',
        '[llm.providers.x]\nkind = "azure_openai"\nentra = { client_secret = 5551234 }',
        '[llm.providers.x]\nkind = "azure_openai"\nentra = { client_secret_env = 5551234 }',
        "[http]\nproxy = 5551234",
        "[http]\nproxy_password = 5551234",
        "[http]\nproxy_password_env = 5551234",
    ],
)
def test_a_number_where_a_secret_may_stand_is_not_told(tmp_path: Path, text: str) -> None:
    faults = faults_of(write_config(tmp_path, text))
    assert any("string, is an integer (in " in fault for fault in faults)
    assert "5551234" not in "".join(faults)


def test_a_wrong_item_leaves_the_places_of_the_others_as_they_are(tmp_path: Path) -> None:
    first, *others = faults_of(write_config(tmp_path, '[http]\nno_proxy = [1, "*"]'))
    assert first.startswith("http.no_proxy[0]: must be a string (found 1 in ")
    assert not any(fault.startswith("http.no_proxy[0]") for fault in others)
