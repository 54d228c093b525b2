"""Small requests of the commands to a gateway on this machine; never through a proxy."""

from typing import TypeVar
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import msgspec

T = TypeVar("T")

_OPENER = build_opener(ProxyHandler({}))


def get_json(url: str, *, answer: type[T], timeout_s: float) -> T:
    """Return what a gateway answers with 200. Blocks. Raises OSError when it does not, or not like a gateway."""
    with _OPENER.open(url, timeout=timeout_s) as response:
        try:
            return msgspec.json.decode(response.read(), type=answer)
        except msgspec.DecodeError as exc:
            raise OSError("it answers, but not as a gateway does") from exc


def status_of(url: str, *, timeout_s: float) -> int:
    """Return the status of the answer. Blocks. Raises OSError when there is none."""
    try:
        with _OPENER.open(url, timeout=timeout_s) as response:
            status: int = response.status
            return status
    except HTTPError as exc:
        return exc.code
