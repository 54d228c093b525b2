"""The rules for outgoing HTTP: the proxy, its password, what goes past it, and the file of authorities."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import HttpSettings, Secret
from tests.unit.adapters.configuration.support import faults_of, write_config


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_everything_of_the_section_is_read(tmp_path: Path) -> None:
    (tmp_path / "authorities.pem").touch()
    text = (
        '[http]\nproxy = "http://me@proxy.example:3128"\nproxy_password_env = "P"\nno_proxy = ["a.example"]\n'
        'ca_file = "authorities.pem"\nfetch_images = false'
    )
    assert load_settings(write_config(tmp_path, text) | {"P": "pw"}).http == HttpSettings(
        proxy="http://me@proxy.example:3128",
        proxy_password_env="P",
        proxy_password=Secret("pw"),
        no_proxy=("a.example",),
        ca_file="authorities.pem",
        fetch_images=False,
    )


@pytest.mark.parametrize(
    "proxy", ["http://proxy:3128", "https://proxy.example", "http://me@10.0.0.1:80", "http://[::1]:1"]
)
def test_a_proxy_is_an_http_url_with_or_without_a_user(proxy: str) -> None:
    assert load_settings({"MEMORYOS__HTTP__PROXY": proxy}).http == HttpSettings(proxy=proxy)


def test_a_password_in_the_url_of_the_proxy_becomes_a_secret() -> None:
    http = load_settings({"MEMORYOS__HTTP__PROXY": "http://me:p%40ss@proxy:3128"}).http
    assert http == HttpSettings(proxy="http://me@proxy:3128", proxy_password=Secret("p@ss"))


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ('proxy = "socks5://proxy"', "http.proxy: must begin with http:// or https://"),
        ('proxy = "proxy:3128"', "http.proxy: must begin with http:// or https://"),
        ('proxy = ""', "http.proxy: must begin with http:// or https://"),
        ('proxy = "http://"', "http.proxy: names no host"),
        ('proxy = "http://proxy?x=1"', "http.proxy: must not hold a query or fragment"),
        ('proxy = "http://me:a@proxy"\nproxy_password = "b"', "http.proxy: holds a password, and another is given"),
        ('proxy = "http://:a@proxy"', "http.proxy: names no user for the password"),
        ('proxy = "http://proxy"\nproxy_password = "b"', "http.proxy: names no user for the password"),
        ('proxy_password = "b"', "http.proxy: is missing: there is a password for it"),
        ('proxy = 5\nproxy_password = "b"', "http.proxy: must be a string, is an integer"),
        ('proxy = "http://me@proxy"\nproxy_password_env = "GONE"', "http.proxy_password_env: variable GONE is not set"),
        ('ca_file = "gone.pem"', "http.ca_file: cannot be read: No such file or directory (found 'gone.pem' in "),
        ('ca_file = "."', "http.ca_file: cannot be read: Is a directory (found '.' in "),
        ('fetch_images = "yes"', "http.fetch_images: must be true or false"),
        ('proxi = "http://proxy"', "http.proxi: unknown key"),
    ],
)
def test_a_wrong_way_out_is_refused(tmp_path: Path, section: str, fault: str) -> None:
    (found,) = faults_of(write_config(tmp_path, f"[http]\n{section}"))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    "host", ["a.example", ".a.example", "a.example.", "host-1", "10.0.0.1", "fd00::1", "bücher.example"]
)
def test_names_and_addresses_are_reached_without_the_proxy(host: str) -> None:
    assert load_settings({"MEMORYOS__HTTP__NO_PROXY": host}).http.no_proxy == (host,)


@pytest.mark.parametrize(
    "host", ["*", "*.a.example", "http://a.example", "a.example:80", "10.0.0.0/8", "a b", "a..b", "."]
)
def test_what_is_no_host_is_not_reached_without_the_proxy(host: str) -> None:
    (fault,) = faults_of({"MEMORYOS__HTTP__NO_PROXY": f"a.example,{host}"})
    assert fault.startswith(f"http.no_proxy[1]: is not a host (found {host!r} in variable MEMORYOS__HTTP__NO_PROXY; ")


def test_faults_of_the_way_out_are_told_together(tmp_path: Path) -> None:
    text = '[http]\nproxy = "ftp://proxy"\nproxy_password_env = "GONE"\nno_proxy = [""]\nca_file = ""'
    faults = faults_of(write_config(tmp_path, text))
    assert sorted(fault.partition(":")[0] for fault in faults) == [
        "http.ca_file",
        "http.no_proxy[0]",
        "http.proxy",
        "http.proxy_password_env",
    ]
