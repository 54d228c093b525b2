"""Periods of the calendar: half-open spans of time in UTC, and how they are made."""

from datetime import UTC, datetime, timedelta
from enum import IntEnum

import msgspec

DAY = timedelta(days=1)
SATURDAY = 5


class Unit(IntEnum):
    """What time is counted in."""

    MINUTE = 0
    HOUR = 1
    DAY = 2
    WEEK = 3
    MONTH = 4
    QUARTER = 5
    YEAR = 6
    DECADE = 7


_SPANS = {
    Unit.MINUTE: timedelta(minutes=1),
    Unit.HOUR: timedelta(hours=1),
    Unit.DAY: DAY,
    Unit.WEEK: 7 * DAY,
}
_MONTHS = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12, Unit.DECADE: 120}


class Period(msgspec.Struct, frozen=True, order=True):
    """A span of time: from `start` up to, but without, `end`; both aware, in UTC, `start` < `end`."""

    start: datetime
    end: datetime


def days(start: datetime, count: int = 1) -> Period:
    """Return `count` days from a midnight on."""
    return Period(start, start + count * DAY)


def months(index: int, count: int = 1) -> Period:
    """Return `count` calendar months; `index` counts months from the year 0: 12 * year + month - 1."""
    return Period(_first_day(index), _first_day(index + count))


def month_index(moment: datetime) -> int:
    """Return the number that `months` counts by."""
    return 12 * moment.year + moment.month - 1


def midnight(moment: datetime) -> datetime:
    """Return the beginning of a moment's day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def calendar_unit(moment: datetime, unit: Unit, offset: int = 0) -> Period:
    """Return the calendar's unit that holds a moment, or the one `offset` units later. Weeks begin on Monday."""
    if size := _MONTHS.get(unit):
        return months((month_index(moment) // size + offset) * size, size)
    start = moment.replace(second=0, microsecond=0) if unit is Unit.MINUTE else moment
    start = start.replace(minute=0, second=0, microsecond=0) if unit is Unit.HOUR else start
    start = midnight(start) if unit in (Unit.DAY, Unit.WEEK) else start
    if unit is Unit.WEEK:
        start -= start.weekday() * DAY
    start += offset * _SPANS[unit]
    return Period(start, start + _SPANS[unit])


def shift(moment: datetime, unit: Unit, offset: int) -> datetime:
    """Return the moment `offset` units later: the same day of another month, or that month's last."""
    if unit not in _MONTHS:
        return moment + offset * _SPANS[unit]
    month = months(month_index(moment) + offset * _MONTHS[unit])
    return min(month.start + (moment - _first_day(month_index(moment))), month.end - DAY)


def weekday_before(moment: datetime, weekday: int, *, span: int = 1) -> Period:
    """Return the latest `span` days from a weekday (0 is Monday) on that are over at the midnight before `moment`."""
    last_start = midnight(moment) - span * DAY
    return days(last_start - (last_start.weekday() - weekday) % 7 * DAY, span)


def weekday_after(moment: datetime, weekday: int, *, span: int = 1) -> Period:
    """Return the earliest `span` days from that weekday on that begin at `moment`, a midnight, or later."""
    return days(moment + (weekday - moment.weekday()) % 7 * DAY, span)


def third(period: Period, number: int) -> Period:
    """Return the early (0), middle (1) or late (2) third of a period: of a year four months, of a month ten days."""
    if period.end - period.start > 300 * DAY:
        size = (month_index(period.end) - month_index(period.start)) // 3
        return months(month_index(period.start) + number * size, size)
    size_days = max(1, (period.end - period.start) // DAY // 3)
    start = period.start + number * size_days * DAY
    return Period(start, period.end if number == 2 else start + size_days * DAY)


def _first_day(index: int) -> datetime:
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
