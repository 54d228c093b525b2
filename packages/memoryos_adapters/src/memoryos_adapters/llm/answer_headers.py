"""Which headers of a provider's answer a client may see, and under what name (wire contract: N5, AN22, AZ5, OR6)."""

from collections.abc import Mapping

_KEPT = frozenset({"openai-processing-ms", "apim-request-id", "x-ms-region", "x-generation-id"})
_KEPT_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")
_REQUEST_IDS = ("x-request-id", "request-id", "x-oneapi-request-id")

UPSTREAM_REQUEST_ID = "x-memoryos-upstream-request-id"
"""The provider's own id of the call; `x-request-id` is the gateway's."""

_MAX_CHARACTERS = 256


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what a client may see of a provider's headers, by lower-case name; only printable ASCII of sane length."""
    shown: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower in _REQUEST_IDS:
            lower = UPSTREAM_REQUEST_ID
        elif lower not in _KEPT and not lower.startswith(_KEPT_PREFIXES):
            continue
        if len(value) <= _MAX_CHARACTERS and value.isascii() and value.isprintable():
            shown[lower] = value
    return shown
