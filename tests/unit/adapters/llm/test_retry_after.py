"""How long a provider asks to wait, in all the ways that providers say it."""

from datetime import UTC, datetime

import pytest

from memoryos_adapters.llm.retry_after import limit_resets_in_s, retry_after_s

_NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "86400"}, 86400),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ms-retry-after-ms": "300"}, 0.3),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 -0000"}, 30),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "nan", "retry-after": "2"}, 2),
    ],
)
def test_every_form_is_read(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, now=_NOW) == expected


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 2030 00:00:00 +99999999999999999999",
        "Mon, 01 Jan 2030 00:00:00 -9999",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2300",
    ],
)
def test_a_date_that_nobody_can_mean_is_none(date: str) -> None:
    assert retry_after_s({"retry-after": date}, now=_NOW) is None


def test_a_date_of_long_ago_is_now() -> None:
    assert retry_after_s({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2300"}, now=_NOW) == 0


@pytest.mark.parametrize("header", ["retry-after", "retry-after-ms"])
def test_a_figure_that_nobody_can_mean_is_none(header: str) -> None:
    assert retry_after_s({header: "1e308"}, now=_NOW) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("6m0s", 360),
        ("1s", 1),
        ("120ms", 0.12),
        ("2m59.56s", 179.56),
        ("1h2m3.5s", 3723.5),
        ("1d", 86400),
        ("7", 7),
        ("0s", None),
        ("", None),
        ("soon", None),
        ("-1s", None),
        ("9" * 400 + "s", None),
    ],
)
@pytest.mark.parametrize("limit", ["requests", "tokens"])
def test_the_reset_of_a_limit_is_read(limit: str, value: str, expected: float | None) -> None:
    assert limit_resets_in_s({f"x-ratelimit-reset-{limit}": value}) == (
        None if expected is None else pytest.approx(expected)
    )


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ({}, 360),
        ({"x-ratelimit-remaining-requests": "0"}, 1),
        ({"x-ratelimit-remaining-tokens": "0"}, 360),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "0"}, 360),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-remaining-tokens": "3"}, 360),
    ],
)
def test_of_two_limits_the_one_that_is_used_up_counts(left: dict[str, str], expected: float) -> None:
    resets = {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}

    assert limit_resets_in_s({**resets, **left}) == expected


def test_no_limit_is_no_figure() -> None:
    assert limit_resets_in_s({}) is None
