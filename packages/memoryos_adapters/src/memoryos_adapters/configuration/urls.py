"""What is wrong with a configured URL or host, in words; and a URL without the password in it."""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import SplitResult, unquote, urlsplit

from memoryos_adapters.configuration.faults import HIDDEN
from memoryos_adapters.settings import Secret

HTTP_SCHEMES = ("http", "https")
REDIS_SCHEMES = ("redis", "rediss")

_HOST = re.compile(r"\.?[\w-]+(?:\.[\w-]+)*\.?")


def url_problem(url: str, *, schemes: Collection[str], with_user: bool = False, with_query: bool = False) -> str | None:
    """Return what keeps `url` from being one with a host and a scheme of `schemes`, else None."""
    parts = _split(url)
    if parts is None:
        return "is not a URL"
    if parts.scheme not in schemes:
        return "must begin with " + " or ".join(f"{scheme}://" for scheme in schemes)
    if not parts.hostname:
        return "names no host"
    if "@" in parts.netloc and not with_user:
        return "must not hold a user name or password"
    if with_query:
        return "must not hold a fragment" if parts.fragment else None
    return "must not hold a query or fragment" if parts.query or parts.fragment else None


def is_origin(text: str) -> bool:
    """Tell whether `text` is an origin as browsers write it: ``scheme://host[:port]``, lower case, nothing after."""
    parts = _split(text)
    return (
        parts is not None
        and url_problem(text, schemes=HTTP_SCHEMES) is None
        and text == f"{parts.scheme}://{parts.netloc}".lower()
    )


def is_host(text: str) -> bool:
    """Tell whether `text` is an IP address, or the name of a host, be it with a dot before it."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST.fullmatch(text) is not None
    return True


def is_host_and_port(text: str) -> bool:
    """Tell whether `text` is ``host:port``; an IPv6 address stands in brackets."""
    parts = _split(f"//{text}")
    return parts is not None and parts.netloc == text and bool(parts.hostname) and bool(parts.port) and "@" not in text


def echo_of(url: str) -> object:
    """Return the URL for a fault's text, or HIDDEN when it may hold a secret."""
    return HIDDEN if set("@?#") & set(url) else url


def split_password(url: str) -> tuple[str, Secret | None]:
    """Return the URL without its password, and the password; a user name stays."""
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    bare = parts._replace(netloc=f"{name}@{host}" if name else host)
    return bare.geturl(), Secret(unquote(parts.password)) if parts.password else None


def _split(url: str) -> SplitResult | None:
    if any(character.isspace() or not character.isprintable() for character in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # read for its check
    except ValueError:
        return None
    return parts
