"""How long a provider asks to wait, in all the ways that providers say it."""

from datetime import UTC, datetime

import pytest

from memoryos_adapters.llm.retry_after import retry_after_s

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


@pytest.mark.parametrize("header", ["retry-after", "retry-after-ms"])
def test_a_figure_that_nobody_can_mean_is_none(header: str) -> None:
    assert retry_after_s({header: "1e308"}, now=_NOW) is None
