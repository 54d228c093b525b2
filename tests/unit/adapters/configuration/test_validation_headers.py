"""The rules for the headers of every request to a provider."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import Secret
from tests.unit.adapters.configuration.support import faults_of, write_config


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def with_headers(directory: Path, headers: str) -> dict[str, str]:
    """Write a configuration of one provider with these headers and return the environment that names it."""
    return write_config(directory, f'[llm.providers.x]\nkind = "noop"\n[llm.providers.x.headers]\n{headers}')


def test_headers_are_kept_as_written(tmp_path: Path) -> None:
    environ = with_headers(tmp_path, 'HTTP-Referer = "https://a.example"\nX-Title = "My Gateway\\t1"')
    headers = load_settings(environ).llm.providers["x"].headers
    assert headers == {"HTTP-Referer": Secret("https://a.example"), "X-Title": Secret("My Gateway\t1")}


@pytest.mark.parametrize("name", ["x key", "x:key", "", "ключ", "x\\nkey"])
def test_a_name_that_no_header_has_is_refused_and_not_told(tmp_path: Path, name: str) -> None:
    (fault,) = faults_of(with_headers(tmp_path, f'"{name}" = "v"'))
    assert fault.startswith("llm.providers.x.headers: holds a name that no header has (in ")
    assert fault.endswith("; allowed: letters, digits and -)")


@pytest.mark.parametrize("name", ["authorization", "Authorization", "api-key", "X-API-Key", "x-goog-api-key"])
def test_a_key_is_not_given_as_a_header(tmp_path: Path, name: str) -> None:
    (fault,) = faults_of(with_headers(tmp_path, f'{name} = "v"'))
    assert fault.startswith(f"llm.providers.x.headers.{name}: is how a key is sent (in ")
    assert fault.endswith("; give it as api_key_env)")


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Connection",
        "transfer-encoding",
        "Proxy-Authorization",
        "content-type",
        "Content-Length",
        "content-encoding",
        "Accept-Encoding",
    ],
)
def test_headers_of_the_adapters_own_are_refused(tmp_path: Path, name: str) -> None:
    (fault,) = faults_of(with_headers(tmp_path, f'{name} = "v"'))
    assert fault.startswith(f"llm.providers.x.headers.{name}: is set by the gateway itself (in ")


@pytest.mark.parametrize("value", [" v", "v ", "a\\nb", "a\\r\\nx-evil: 1", "a\\u0000", "é"])
def test_a_value_that_no_header_can_carry_is_refused(tmp_path: Path, value: str) -> None:
    (fault,) = faults_of(with_headers(tmp_path, f'x-key = "{value}"'))
    assert fault.startswith("llm.providers.x.headers.x-key: has a value that no header can carry (in ")


def test_an_empty_value_is_refused_and_its_header_not_told(tmp_path: Path) -> None:
    (fault,) = faults_of(with_headers(tmp_path, 'x-key = ""'))
    assert fault.startswith("llm.providers.x.headers: must be a non-empty string")
