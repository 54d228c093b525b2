"""The rules for outgoing HTTP: the proxy and its password, what goes past it, and whom TLS trusts."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

from memoryos_adapters.configuration.credentials import read_secret, separate_password
from memoryos_adapters.configuration.faults import ABSENT, Faults
from memoryos_adapters.configuration.urls import HTTP_SCHEMES, echo_of, is_host
from memoryos_adapters.settings import HttpSettings


def check_http(http: HttpSettings, environ: Mapping[str, str], faults: Faults) -> HttpSettings:
    """Return the section with the proxy's password apart from its URL; whatever breaks a rule goes to `faults`."""
    for index, host in enumerate(http.no_proxy):
        if not is_host(host):
            hint = "allowed: a name, which covers those below it, or an address, without scheme, port or *"
            faults.add(("http", "no_proxy", index), "is not a host", found=echo_of(host), hint=hint)
    if http.ca_file is not None:
        _check_ca_file(http.ca_file, faults)
    return _check_proxy(http, environ, faults)


def _check_ca_file(name: str, faults: Faults) -> None:
    try:
        Path(name).open("rb").close()
    except OSError as exc:
        faults.add(("http", "ca_file"), f"cannot be read: {exc.strerror}", found=name, hint="wanted is a PEM file")


def _check_proxy(http: HttpSettings, environ: Mapping[str, str], faults: Faults) -> HttpSettings:
    path = ("http", "proxy")
    given = read_secret(
        ("http", "proxy_password"),
        variable=http.proxy_password_env,
        literal=http.proxy_password,
        environ=environ,
        faults=faults,
    )
    if http.proxy is None:
        if given is not None and not faults.touches(path):
            faults.add(path, "is missing: there is a password for it", found=ABSENT)
        return http
    url, password = separate_password(path, http.proxy, given=given, schemes=HTTP_SCHEMES, faults=faults)
    if password is not None and not faults.touches(path) and not urlsplit(url).username:
        faults.add(path, "names no user for the password", hint="allowed: http://USER@HOST:PORT")
    return replace(http, proxy=url, proxy_password=password)
