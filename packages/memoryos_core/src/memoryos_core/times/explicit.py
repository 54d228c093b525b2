"""Reading what is said with a calendar's own words: dates, months, seasons, quarters, years."""

from collections.abc import Callable
from datetime import UTC, datetime

from memoryos_core.times.period import Period, Unit, calendar_unit, days, months

Values = dict[str, int]
"""What the words of a phrase say, by their codes."""


def explicit(values: Values, now: datetime) -> Period:
    """Read a date, a month, a season, a quarter or a year; without a year, the latest that began before now."""
    for code, reader in _WHOLE.items():
        if code in values:
            return reader(values[code])
    year = _year(values, now)
    day = values.get("o", values.get("n"))
    if (month := values.get("M", values.get("m"))) is not None:
        return _latest(lambda of: _month_or_day(of, month, day), year, now)
    if (season := values.get("s")) is not None:
        return _latest(lambda of: months(12 * of + season - 1, 3), year, now)
    if (quarter := values.get("q")) is not None:
        return _latest(lambda of: months(12 * of + 3 * quarter - 3, 3), year, now)
    return months(12 * (now.year if year is None else year), 12)


def week_of(values: Values, now: datetime) -> Period:
    """Read "the week of 12 May": the calendar's week that holds the day."""
    day = explicit({code: value for code, value in values.items() if code != "u"}, now)
    return calendar_unit(day.start, Unit.WEEK) if values["u"] == Unit.WEEK else day


def _year(values: Values, now: datetime) -> int | None:
    """Return the year that is said, or None; "of last year" says one, "of last week" none."""
    if (offset := values.get("O")) is None and values.get("u") == Unit.YEAR:
        offset = said_offset(values)
    return values.get("y") if offset is None else now.year + offset


def said_offset(values: Values) -> int | None:
    """Return -1 for "last", 0 for "this", 1 for "next", None where nothing of the kind is said."""
    return next((values[code] for code in "lPtx" if code in values), None)


def said_count(values: Values) -> int | None:
    """Return the number that is said, None for none."""
    return values.get("n", values.get("j"))


def _latest(period_of: Callable[[int], Period], year: int | None, now: datetime) -> Period:
    """Return the period of a year, or the latest that began before now: a leap day may be eight years ago."""
    if year is not None:
        return period_of(year)
    for back in range(9):
        try:
            period = period_of(now.year - back)
        except ValueError:
            continue
        if period.start <= now:
            return period
    raise ValueError(now)


def _month_or_day(year: int, month: int, day: int | None) -> Period:
    return months(12 * year + month - 1) if day is None else days(datetime(year, month, day, tzinfo=UTC))


def _date(value: int) -> Period:
    return days(datetime(value // 10_000, value // 100 % 100, value % 100, tzinfo=UTC))


def _years(value: int) -> Period:
    first, last = divmod(value, 10_000)
    if last < first:
        raise ValueError(value)
    return months(12 * first, 12 * (last - first + 1))


_WHOLE: dict[str, Callable[[int], Period]] = {
    "D": _date,
    "K": lambda value: months(12 * (value // 100) + value % 100 - 1),
    "Y": _years,
}
