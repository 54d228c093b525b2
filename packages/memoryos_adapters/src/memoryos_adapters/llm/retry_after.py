"""How long a provider asks to wait, from the headers of its refusal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MOST = 1e9  # beyond that it is no figure that anybody meant
_MILLISECOND_HEADERS = ("retry-after-ms", "x-ms-retry-after-ms")


def retry_after_s(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds that `retry-after-ms`, Azure's `x-ms-retry-after-ms` or `retry-after` ask for.

    `retry-after` holds seconds or an HTTP date (RFC 9110, 10.2.3). The figure is never capped: a client gives up by
    itself when it is too long. None when there is none, or none that can be read.
    """
    for header in _MILLISECOND_HEADERS:
        if (milliseconds := _number(headers.get(header))) is not None:
            return milliseconds / 1000
    value = headers.get("retry-after")
    if (seconds := _number(value)) is not None:
        return seconds
    return _seconds_until(value, now=now) if value else None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number <= _MOST else None


def _seconds_until(http_date: str, *, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(http_date)
    except ValueError:
        return None
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds())
