"""Where a setting comes from: the file, the environment, the flags, and which of them wins."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.configuration.types import locate
from memoryos_adapters.environ import read_environment
from memoryos_adapters.settings import EntraSettings, LogSettings, Secret, ServerSettings, Settings, WorkerSettings
from tests.unit.adapters.configuration.support import faults_of, write_config


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_nothing_configured_gives_the_defaults() -> None:
    assert load_settings({}) == Settings()


def test_flags_win_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    environ = write_config(tmp_path, 'data_dir = "file"\n[server]\nport = 1\nhost = "127.0.0.1"\nbody_limit_mb = 3')
    environ |= {"MEMORYOS__SERVER__PORT": "2", "MEMORYOS__SERVER__BODY_LIMIT_MB": "4.5"}
    settings = load_settings(environ, flags={"server.port": "3"})
    assert settings.server == ServerSettings(port=3, body_limit_mb=4.5)
    assert settings.data_dir == "file"


def test_config_toml_of_the_working_directory_is_read_without_being_named(tmp_path: Path) -> None:
    write_config(tmp_path, "[server]\nport = 81")
    assert load_settings({}).server.port == 81


def test_a_file_of_windows_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[server]\r\nport = 81\r\n")
    assert load_settings({}).server.port == 81


def test_a_named_file_that_is_missing_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    expected = "MEMORYOS_CONFIG: cannot be read: No such file or directory (found 'missing.toml')"
    assert faults_of({"MEMORYOS_CONFIG": "missing.toml"}) == [expected]


@pytest.mark.parametrize(
    ("text", "place"),
    [("[server]\nport = \n", "line 2, column 8"), ('[server]\nhost = "x', "line 2, column 10, the end of the file")],
)
def test_a_syntax_error_names_file_line_and_column(tmp_path: Path, text: str, place: str) -> None:
    (fault,) = faults_of(write_config(tmp_path, text))
    assert fault.startswith(f"{tmp_path / 'config.toml'}: is not TOML: ")
    assert place in fault


def test_a_file_that_is_not_utf8_is_a_fault_with_its_byte(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b'data_dir = "\xff"')
    assert faults_of({}) == ["config.toml: is not UTF-8 at byte 12"]


def test_faults_of_variables_are_told_beside_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    environ = write_config(tmp_path, "[[[") | {
        "MEMORYOS__SERVER__PORT": "x",
        "MEMORYOS__LLM__PROVIDERS__OPENAI__BASE_URL": "https://example.org",
    }
    faults = faults_of(environ)
    assert len(faults) == 2
    assert "is not TOML" in faults[0]
    assert faults[1].startswith("server.port: must be an integer from 0 to 65535 (found 'x' in variable")


def test_variables_reach_nested_tables_and_meet_the_files_names_in_any_case(tmp_path: Path) -> None:
    environ = write_config(tmp_path, '[llm.providers.OpenAI]\nkind = "openai"\n')
    environ |= {
        "MEMORYOS__LLM__PROVIDERS__OPENAI__API_KEY_ENV": "SOME_KEY",
        "memoryos__llm__providers__openai__models": "a, b ,",
        "MEMORYOS__LLM__ALIASES__FAST": "OpenAI/a",
        "SOME_KEY": "sk-1",
    }
    llm = load_settings(environ).llm
    assert list(llm.providers) == ["OpenAI"]
    assert llm.providers["OpenAI"].models == ("a", "b")
    assert llm.aliases == {"fast": "OpenAI/a"}


def test_variables_reach_a_table_that_may_be_left_out() -> None:
    prefix = "MEMORYOS__LLM__PROVIDERS__X__"
    environ = {
        f"{prefix}KIND": "azure_openai",
        f"{prefix}BASE_URL": "https://x.example/openai/v1",
        f"{prefix}ENTRA__TENANT_ID": "12",
        f"{prefix}ENTRA__CLIENT_ID": "34",
        f"{prefix}ENTRA__CLIENT_SECRET_ENV": "SECRET",
        "SECRET": "s",
    }
    entra = EntraSettings(tenant_id="12", client_id="34", client_secret_env="SECRET", client_secret=Secret("s"))
    assert load_settings(environ).llm.providers["x"].entra == entra
    assert locate(("llm", "providers", "x", "entra", "tenant_id"))[1] is not None


def test_the_words_after_a_table_of_texts_are_one_key() -> None:
    settings = load_settings(
        {"MEMORYOS__LOG__MODULES__MEMORYOS_CORE__CHAT": "debug"}, flags={"log.modules.a.b": "INFO"}
    )
    assert settings.log == LogSettings(modules={"memoryos_core.chat": "debug", "a.b": "info"})


@pytest.mark.parametrize("word", ["1", "true", "YES", "On"])
def test_words_for_true(word: str) -> None:
    assert load_settings({"MEMORYOS__SERVER__OPEN_TO_NETWORK": word}).server.open_to_network is True


@pytest.mark.parametrize("word", ["0", "false", "NO", "Off"])
def test_words_for_false(word: str) -> None:
    assert load_settings({"MEMORYOS_ASYNC_MEMORY_PIPELINE": word}).worker.async_pipeline is False


@pytest.mark.parametrize("text", ["one,two-2", '["one", "two-2"]'])
def test_a_list_is_written_with_commas_or_as_toml(text: str) -> None:
    provider = {"MEMORYOS__LLM__PROVIDERS__X__KIND": "noop", "MEMORYOS__LLM__PROVIDERS__X__MODELS": text}
    assert load_settings(provider).llm.providers["x"].models == ("one", "two-2")


def test_a_list_of_tables_is_written_as_toml() -> None:
    keys = load_settings({"MEMORYOS__AUTH__KEYS": '[{key_env = "K", tenant = "acme"}]', "K": "secret"}).auth.keys
    assert [key.tenant for key in keys] == ["acme"]


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings({"MEMORYOS__SERVER__PORT": "", "MEMORYOS_CONFIG": "", "MEMORYOS_DATA_DIR": ""}) == Settings()


def test_a_variable_given_in_two_cases_is_a_fault() -> None:
    faults = faults_of({"MEMORYOS__SERVER__PORT": "1", "memoryos__server__port": "2"})
    assert faults == ["memoryos__server__port: is also set as MEMORYOS__SERVER__PORT"]


def test_the_predecessors_variables_are_kept() -> None:
    settings = load_settings(
        {
            "MEMORYOS_DATA_DIR": "/data",
            "MEMORYOS_ASYNC_MEMORY_PIPELINE": "yes",
            "MEMORYOS_WORKER_STREAM": "s",
            "MEMORYOS_WORKER_GROUP": "g",
            "MEMORYOS_WORKER_CONSUMER": "c",
            "MEMORYOS_WORKER_BLOCK_MS": "1",
            "MEMORYOS_WORKER_BATCH_SIZE": "2",
            "MEMORYOS_WORKER_CLAIM_IDLE_MS": "3",
        }
    )
    worker = WorkerSettings(
        stream="s", group="g", consumer="c", block_ms=1, batch_size=2, claim_idle_ms=3, async_pipeline=True
    )
    assert settings == Settings(data_dir="/data", worker=worker)


def test_the_nested_form_wins_over_the_predecessors() -> None:
    settings = load_settings({"MEMORYOS_WORKER_STREAM": "old", "MEMORYOS__WORKER__STREAM": "new"})
    assert settings.worker.stream == "new"


def test_variables_of_others_are_left_alone() -> None:
    assert load_settings({"MEMORYOS_WORKER_PORT": "tcp://10.0.0.1:80", "PORT": "x", "SERVER__PORT": "x"}) == Settings()


def test_the_environment_is_a_read_only_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORYOS_DATA_DIR", "then")
    environ = read_environment()
    monkeypatch.setenv("MEMORYOS_DATA_DIR", "now")
    assert environ["MEMORYOS_DATA_DIR"] == "then"
    with pytest.raises(TypeError):
        environ["X"] = "y"  # type: ignore[index]  # that it cannot be written is what is tested
