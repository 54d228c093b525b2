"""The times that texts name, in four languages, as of a Wednesday afternoon; and what only looks like one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.times import Period, find_periods

NOW = datetime(2023, 6, 14, 15, 30, tzinfo=UTC)  # a Wednesday

DATES = {
    "on 12 May 2023": "2023-05-12",
    "12th of May 2023": "2023-05-12",
    "12th May, 2023": "2023-05-12",
    "May 12th, 2023": "2023-05-12",
    "May 12, 2023.": "2023-05-12",
    "Jan. 5, 2023": "2023-01-05",
    "JANUARY 5TH 2023": "2023-01-05",
    "Monday, 8 May 2023": "2023-05-08",
    "2023-05-12": "2023-05-12",
    "2023-05-12T10:15:00Z": "2023-05-12",
    "2023/5/12": "2023-05-12",
    "25/12/2022": "2022-12-25",
    "12/25/2022": "2022-12-25",
    "05/05/2023": "2023-05-05",
    "12.05.2023": "2023-05-12",
    "on May 12": "2023-05-12",
    "on 12 July": "2022-07-12",
    "July 12th's party": "2022-07-12",
    "on 29 February": "2020-02-29",
    "on the 5th": "2023-06-05",
    "on the 20th": "2023-05-20",
    "am 12. Mai 2023": "2023-05-12",
    "der 3. März": "2023-03-03",
    "el 12 de mayo de 2023": "2023-05-12",
    "2023年5月12日": "2023-05-12",
    "二〇二三年五月十二日": "2023-05-12",
    "5月12号": "2023-05-12",
    "去年五月三十一日": "2022-05-31",
    "12 May last year": "2022-05-12",
    "yesterday": "2023-06-13",
    "today's lunch": "2023-06-14",
    "tomorrow": "2023-06-15",
    "the day before yesterday": "2023-06-12",
    "the day after tomorrow": "2023-06-16",
    "three days ago": "2023-06-11",
    "a couple of days ago": "2023-06-12",
    "10 days ago": "2023-06-04",
    "on Monday": "2023-06-12",
    "last Friday": "2023-06-09",
    "on Wednesday": "2023-06-07",
    "this Friday": "2023-06-16",
    "next Friday": "2023-06-16",
    "next Wednesday": "2023-06-21",
    "the Friday before 15 July 2023": "2023-07-14",
    "the Sunday after 25 May 2023": "2023-05-28",
    "two days before 12 May 2023": "2023-05-10",
    "the day before 12 May 2023": "2023-05-11",
    "the day after May 12, 2023": "2023-05-13",
    "gestern": "2023-06-13",
    "vorgestern": "2023-06-12",
    "vor drei Tagen": "2023-06-11",
    "letzten Freitag": "2023-06-09",
    "ayer": "2023-06-13",
    "anteayer": "2023-06-12",
    "hace tres días": "2023-06-11",
    "el lunes pasado": "2023-06-12",
    "昨天": "2023-06-13",
    "前天": "2023-06-12",
    "大前天": "2023-06-11",
    "三天前": "2023-06-11",
    "十二天前": "2023-06-02",
    "周一": "2023-06-12",
    "星期五": "2023-06-09",
    "上周一": "2023-06-05",
    "上周日": "2023-06-11",
    "下周三": "2023-06-21",
}

PERIODS = {
    "May 2023": ("2023-05-01", "2023-06-01"),
    "May of 2023": ("2023-05-01", "2023-06-01"),
    "2023-05": ("2023-05-01", "2023-06-01"),
    "in May": ("2023-05-01", "2023-06-01"),
    "in may": ("2023-05-01", "2023-06-01"),
    "In June": ("2023-06-01", "2023-07-01"),
    "in July": ("2022-07-01", "2022-08-01"),
    "since March": ("2023-03-01", "2023-04-01"),
    "last May": ("2023-05-01", "2023-06-01"),
    "last June": ("2022-06-01", "2022-07-01"),
    "next May": ("2024-05-01", "2024-06-01"),
    "May last year": ("2022-05-01", "2022-06-01"),
    "last year in May": ("2022-05-01", "2022-06-01"),
    "2023": ("2023-01-01", "2024-01-01"),
    "in 2019?": ("2019-01-01", "2020-01-01"),
    "2019-2021": ("2019-01-01", "2022-01-01"),
    "the 1990s": ("1990-01-01", "2000-01-01"),
    "Q1 2024": ("2024-01-01", "2024-04-01"),
    "2024Q1": ("2024-01-01", "2024-04-01"),
    "in Q2": ("2023-04-01", "2023-07-01"),
    "in Q3": ("2022-07-01", "2022-10-01"),
    "summer 2022": ("2022-06-01", "2022-09-01"),
    "the summer of 2022": ("2022-06-01", "2022-09-01"),
    "winter 2021": ("2021-12-01", "2022-03-01"),
    "last summer": ("2022-06-01", "2022-09-01"),
    "last spring": ("2023-03-01", "2023-06-01"),
    "this summer": ("2023-06-01", "2023-09-01"),
    "early May": ("2023-05-01", "2023-05-11"),
    "mid-May 2022": ("2022-05-11", "2022-05-21"),
    "late May": ("2023-05-21", "2023-06-01"),
    "end of May 2022": ("2022-05-21", "2022-06-01"),
    "early 2023": ("2023-01-01", "2023-05-01"),
    "late last year": ("2022-09-01", "2023-01-01"),
    "this week": ("2023-06-12", "2023-06-19"),
    "last week": ("2023-06-05", "2023-06-12"),
    "next week": ("2023-06-19", "2023-06-26"),
    "the week before last": ("2023-05-29", "2023-06-05"),
    "the week after next": ("2023-06-26", "2023-07-03"),
    "two weeks ago": ("2023-05-29", "2023-06-05"),
    "the week before 15 June 2023": ("2023-06-08", "2023-06-15"),
    "the week of 12 May 2023": ("2023-05-08", "2023-05-15"),
    "the weekend before 15 June 2023": ("2023-06-10", "2023-06-12"),
    "the weekend before 11 June 2023": ("2023-06-03", "2023-06-05"),
    "the month before May 2023": ("2023-04-01", "2023-05-01"),
    "last weekend": ("2023-06-10", "2023-06-12"),
    "this weekend": ("2023-06-17", "2023-06-19"),
    "next weekend": ("2023-06-24", "2023-06-26"),
    "this month": ("2023-06-01", "2023-07-01"),
    "last month": ("2023-05-01", "2023-06-01"),
    "three months ago": ("2023-03-01", "2023-04-01"),
    "last quarter": ("2023-01-01", "2023-04-01"),
    "this year": ("2023-01-01", "2024-01-01"),
    "last year": ("2022-01-01", "2023-01-01"),
    "a year ago": ("2022-01-01", "2023-01-01"),
    "the past three days": ("2023-06-11", "2023-06-14T15:30"),
    "over the last 2 weeks": ("2023-05-31", "2023-06-14T15:30"),
    "the past month": ("2023-05-14", "2023-06-14T15:30"),
    "the past two hours": ("2023-06-14T13:30", "2023-06-14T15:30"),
    "two hours ago": ("2023-06-14T13:00", "2023-06-14T14:00"),
    "this morning": ("2023-06-14", "2023-06-14T12:00"),
    "tonight": ("2023-06-14T18:00", "2023-06-15T06:00"),
    "last night": ("2023-06-13T18:00", "2023-06-14T06:00"),
    "yesterday afternoon": ("2023-06-13T12:00", "2023-06-13T18:00"),
    "letzte Woche": ("2023-06-05", "2023-06-12"),
    "letzten Monat": ("2023-05-01", "2023-06-01"),
    "im Mai": ("2023-05-01", "2023-06-01"),
    "vor zwei Wochen": ("2023-05-29", "2023-06-05"),
    "Sommer 2022": ("2022-06-01", "2022-09-01"),
    "la semana pasada": ("2023-06-05", "2023-06-12"),
    "el año pasado": ("2022-01-01", "2023-01-01"),
    "mayo de 2023": ("2023-05-01", "2023-06-01"),
    "los últimos tres días": ("2023-06-11", "2023-06-14T15:30"),
    "去年": ("2022-01-01", "2023-01-01"),
    "前年": ("2021-01-01", "2022-01-01"),
    "上周": ("2023-06-05", "2023-06-12"),
    "上上周": ("2023-05-29", "2023-06-05"),
    "上个星期": ("2023-06-05", "2023-06-12"),
    "下个月": ("2023-07-01", "2023-08-01"),
    "上个月": ("2023-05-01", "2023-06-01"),
    "五月": ("2023-05-01", "2023-06-01"),
    "十二月": ("2022-12-01", "2023-01-01"),
    "2022年8月": ("2022-08-01", "2022-09-01"),
    "去年夏天": ("2022-06-01", "2022-09-01"),
    "今年春天": ("2023-03-01", "2023-06-01"),
    "三个月前": ("2023-03-01", "2023-04-01"),
    "两年前": ("2021-01-01", "2022-01-01"),
    "最近三天": ("2023-06-11", "2023-06-14T15:30"),
    "上周末": ("2023-06-10", "2023-06-12"),
    "去年年底": ("2022-09-01", "2023-01-01"),
    "五月初": ("2023-05-01", "2023-05-11"),
    "昨晚": ("2023-06-13T18:00", "2023-06-14T06:00"),
    "今天早上": ("2023-06-14", "2023-06-14T12:00"),
}

NO_TIMES = [
    "",
    "12/05/2023",
    "30 February 2023",
    "2023-13-40",
    "v2023",
    "Python 3.12 and 2.0.2023",
    "covid-2019",
    "ISO 8601-2019-1",
    "$2023",
    "#2023",
    "EUR 2023.50",
    "2,023 apples",
    "2000 people came",
    "1950 calories",
    "call 555-2023",
    "at 20230512123",
    "I have 5 apples",
    "3.5 stars",
    "100%",
    "May I ask?",
    "you may go",
    "march on",
    "at last",
    "this may be",
    "for the last time",
    "one day",
    "九一一",
    "前一样",
    "每周一次",
    "天天向上",
    "dies ist gut",
    "un mes",
]


def moment(text: str) -> datetime:
    """Return the moment in UTC that an ISO text names."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def found(text: str, *, asked_at: datetime = NOW) -> list[Period]:
    """Return what is found in a text."""
    return find_periods(text, asked_at=asked_at)


@pytest.mark.parametrize(("text", "day"), DATES.items())
def test_a_day_is_named(text: str, day: str) -> None:
    start = moment(day)
    assert found(text) == [Period(start, start + timedelta(days=1))]


@pytest.mark.parametrize(("text", "span"), PERIODS.items())
def test_a_period_is_named(text: str, span: tuple[str, str]) -> None:
    assert found(text) == [Period(moment(span[0]), moment(span[1]))]


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert found(text) == []


def test_several_periods_come_in_their_order_each_once() -> None:
    periods = found("In 2021 she moved, not in May 2020, and in 2021 she married.")
    assert [period.start.year for period in periods] == [2021, 2020]


def test_a_time_is_read_inside_a_question() -> None:
    assert found("What did Ana buy last week?") == found("last week")
    assert found("小明去年去了哪里") == found("去年")


def test_the_day_of_asking_is_that_of_utc() -> None:
    evening_in_new_york = datetime(2023, 6, 13, 22, 0, tzinfo=timezone(timedelta(hours=-4)))
    assert found("yesterday", asked_at=evening_in_new_york) == found("yesterday")


def test_a_naive_time_of_asking_is_utc() -> None:
    assert found("yesterday", asked_at=NOW.replace(tzinfo=None)) == found("yesterday")


@pytest.mark.parametrize("text", ["a year ago", "in May", "last week", "on Monday", "the past decade", "next year"])
@pytest.mark.parametrize("asked_at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_the_calendar_are_no_fault(text: str, asked_at: datetime) -> None:
    assert all(period.start < period.end for period in found(text, asked_at=asked_at))


RELATIVE = [text for text in (*DATES, *PERIODS) if found(text) != found(text, asked_at=NOW.replace(year=2033))]
PAST = [text for text in RELATIVE if any(word in text for word in ("last", "ago", "past", "yesterday", "昨", "去年"))]
WORDS = ["the", "in", "on", "last", "this", "two", "12", "May", "12th", "2023", "week", "ago", "before", "after"]
TEXTS = (
    st.lists(st.sampled_from([*WORDS, *DATES, *PERIODS]) | st.text(max_size=5), max_size=8).map(" ".join) | st.text()
)


@given(TEXTS, st.datetimes() | st.datetimes(timezones=st.just(UTC)))
def test_any_text_is_read_to_true_periods(text: str, asked_at: datetime) -> None:
    for period in found(text, asked_at=asked_at):
        assert period.start < period.end
        assert period.start.tzinfo is period.end.tzinfo is UTC


MOMENTS = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(st.sampled_from(RELATIVE), MOMENTS, MOMENTS)
def test_asked_later_a_relative_time_is_no_earlier(text: str, one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    (before,), (after,) = found(text, asked_at=earlier), found(text, asked_at=later)
    assert before <= after


@given(st.sampled_from(PAST), MOMENTS)
def test_what_is_past_does_not_begin_in_the_future(text: str, asked_at: datetime) -> None:
    assert all(period.start <= asked_at for period in found(text, asked_at=asked_at))


def test_there_are_relative_times_to_try() -> None:
    assert (len(RELATIVE) > 60, len(PAST) > 20) == (True, True)


@pytest.mark.parametrize(
    "piece", ["1", "12 May ", "a", "the week before ", "一", "上", "2023-", "1.", "q1", "last ", " "]
)
def test_a_long_text_is_read_to_its_bound(piece: str) -> None:
    assert len(found(piece * 100_000)) <= 2
