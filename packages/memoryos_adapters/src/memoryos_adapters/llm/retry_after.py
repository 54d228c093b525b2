"""How long a provider asks to wait, from the headers of its refusal."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MOST = 1e9  # beyond that it is no figure that anybody meant
_MILLISECOND_HEADERS = ("retry-after-ms", "x-ms-retry-after-ms")
_LIMITS = ("requests", "tokens")
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS_S = (86400, 3600, 60, 1, 0.001)


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


def limit_resets_in_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until OpenAI's limits are full again, for a 429 that says no more (OA5).

    ``x-ratelimit-reset-requests`` and ``-tokens`` hold ``6m0s``, ``1s`` or ``120ms``, and are on answers of every
    status. Of two the longer counts, but one that is not used up does not count beside one that is.
    """
    waits = {limit: wait_s for limit in _LIMITS if (wait_s := _duration(headers.get(f"x-ratelimit-reset-{limit}")))}
    used_up = [waits[limit] for limit in waits if headers.get(f"x-ratelimit-remaining-{limit}") == "0"]
    return max(used_up or waits.values(), default=None)


def _duration(value: str | None) -> float | None:
    found = _DURATION.fullmatch(value or "")
    if found is None:
        return _number(value)
    seconds = sum(float(count or 0) * unit for count, unit in zip(found.groups(), _UNITS_S, strict=True))
    return seconds if seconds <= _MOST else None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number <= _MOST else None


def _seconds_until(http_date: str, *, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(http_date)
        seconds = (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if seconds <= _MOST else None
