"""Reading what is said relative to the moment of asking, or to another day."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from memoryos_core.times.explicit import Values, explicit, said_count, said_offset
from memoryos_core.times.lexicon import Meaning
from memoryos_core.times.period import (
    DAY,
    SATURDAY,
    Period,
    Unit,
    calendar_unit,
    days,
    midnight,
    month_index,
    months,
    shift,
    third,
    weekday_after,
    weekday_before,
)


def beside(tokens: Sequence[Meaning], now: datetime) -> Period:
    """Read "the week before 15 June", "two days after ...", "the weekend before ...", "the week after next"."""
    at = next(place for place, (code, _) in enumerate(tokens) if code in "bhA")
    what, side, anchor_words = dict(tokens[:at]), tokens[at][0], dict(tokens[at + 1 :])
    if (direction := anchor_words.get("l", anchor_words.get("x"))) is not None:
        return calendar_unit(now, Unit(what["u"]), 2 * direction)
    anchor = relative_day(anchor_words, now) if "f" in anchor_words else explicit(anchor_words, now)
    return _after(what, anchor) if side == "A" else _before(what, anchor)


def ago(values: Values, now: datetime) -> Period:
    """Read "three days ago": a unit of the calendar, that many before the one of now."""
    return calendar_unit(now, Unit(values["u"]), -(said_count(values) or 0))


def rolling(values: Values, now: datetime) -> Period:
    """Read "the past three days": from the midnight three days ago (hours to the minute) up to now."""
    unit, count = Unit(values["u"]), said_count(values) or 1
    start = shift(now, unit, -count)
    return Period(start if unit < Unit.DAY else midnight(start), now)


def unit_beside_now(values: Values, now: datetime) -> Period:
    """Read "last week", "this month", "next year"."""
    return calendar_unit(now, Unit(values["u"]), said_offset(values) or 0)


def of_years(values: Values, now: datetime) -> Period:
    """Read 去年, 前年."""
    return calendar_unit(now, Unit.YEAR, values["O"])


def relative_day(values: Values, now: datetime) -> Period:
    """Read "yesterday", "tomorrow morning"."""
    day = days(midnight(now) + values["f"] * DAY)
    return _hours(day, values["g"]) if "g" in values else day


def evening(values: Values, now: datetime) -> Period:
    """Read "tonight", 昨晚."""
    return _hours(days(midnight(now) + values["G"] * DAY), 18)


def day_part(values: Values, now: datetime) -> Period:
    """Read "this morning", "last night"."""
    return _hours(days(midnight(now) + (said_offset(values) or 0) * DAY), values["g"])


def day_of_month(values: Values, now: datetime) -> Period:
    """Read "on the 15th": the latest that began before now."""
    for back in range(12):
        try:
            day = days(midnight(months(month_index(now) - back).start.replace(day=values["o"])))
        except ValueError:
            continue
        if day.start <= now:
            return day
    raise ValueError(values["o"])


def weekday(values: Values, now: datetime) -> Period:
    """Read "on Monday", "last Monday" (the latest before today), "this Monday" (of this week), "next Monday"."""
    offset = said_offset(values)
    if offset == 0:
        return days(calendar_unit(now, Unit.WEEK).start + values["w"] * DAY)
    if offset == 1:
        return weekday_after(midnight(now) + DAY, values["w"])
    return weekday_before(now, values["w"])


def weekday_of_week(values: Values, now: datetime) -> Period:
    """Read 上周一, the Monday of last week."""
    return days(calendar_unit(now, Unit.WEEK).start + values["W"] * DAY)


def weekend(values: Values, now: datetime) -> Period:
    """Read "this weekend", "next weekend" (of this week, of the next), or the latest that is over."""
    offset = said_offset(values)
    if offset is None or offset < 0:
        return weekday_before(now, SATURDAY, span=2)
    return days(calendar_unit(now, Unit.WEEK, offset).start + SATURDAY * DAY, 2)


def named(values: Values, now: datetime) -> Period:
    """Read "last May", "this summer", "next spring": the nearest on that side that does not hold now."""
    size = 3 if "s" in values else 1
    first = values.get("s", values.get("M", values.get("m", 1))) - 1
    behind = (month_index(now) - first) % 12  # months since one of them began
    current = month_index(now) - behind
    offset = said_offset(values) or 0
    if offset == 0:
        return months(current if behind < size else 12 * now.year + first, size)
    if offset > 0:
        return months(current + 12, size)
    return months(current - 12 if behind < size else current, size)


def part(values: Values, now: datetime) -> Period:
    """Read "early May 2023", "late last year", 五月底."""
    is_explicit = not values.keys().isdisjoint("MmyO")
    return third(explicit(values, now) if is_explicit else unit_beside_now(values, now), values["e"])


def _before(what: Values, anchor: Period) -> Period:
    """Return the unit that ends where the anchor begins; of several units before it, the day or week around there."""
    if "u" not in what:
        return weekday_before(anchor.start, what.get("w", SATURDAY), span=1 + ("k" in what))
    unit = Unit(what["u"])
    if (count := said_count(what)) is not None:
        return calendar_unit(shift(anchor.start, unit, -count), min(unit, Unit.WEEK))
    return Period(shift(anchor.start, unit, -1), anchor.start)


def _after(what: Values, anchor: Period) -> Period:
    """Return the unit that begins where the anchor ends; of several units after it, the day or week around there."""
    if "u" not in what:
        return weekday_after(anchor.end, what.get("w", SATURDAY), span=1 + ("k" in what))
    unit = Unit(what["u"])
    if (count := said_count(what)) is not None:
        return calendar_unit(shift(anchor.start, unit, count), min(unit, Unit.WEEK))
    return Period(anchor.end, shift(anchor.end, unit, 1))


def _hours(day: Period, first: int) -> Period:
    """Return the morning (up to noon), the afternoon (up to six) or the evening with its night (up to six)."""
    start = day.start + timedelta(hours=first)
    return Period(start, start + timedelta(hours=6 if first == 12 else 12))
