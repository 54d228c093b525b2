"""The rules for the headers that a provider is sent with every request; their values may be secrets."""

import re
from collections.abc import Mapping
from typing import Final

from memoryos_adapters.configuration.faults import Faults, KeyPath
from memoryos_adapters.settings import Secret

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""A token of RFC 9110, section 5.6.2."""

_VALUE: Final = re.compile(r"[!-~](?:[\t -~]*[!-~])?", re.ASCII)
_CREDENTIALS: Final = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})
_OURS: Final = re.compile(
    r"host|accept-encoding|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|proxy-.*|content-.*"
)


def check_headers(path: KeyPath, headers: Mapping[str, Secret], faults: Faults) -> None:
    """Record every header that cannot be sent or that the adapter itself sends; no value is ever told."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):  # not told: a whole line may have got there, its value in it
            faults.add(path, "holds a name that no header has", hint="allowed: letters, digits and -")
        elif name.lower() in _CREDENTIALS:
            faults.add((*path, name), "is how a key is sent", hint="give it as api_key_env")
        elif _OURS.fullmatch(name.lower()):
            faults.add((*path, name), "is set by the gateway itself")
        elif not _VALUE.fullmatch(value.reveal()):
            faults.add((*path, name), "has a value that no header can carry", hint="allowed: printable ASCII")
