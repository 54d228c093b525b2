"""The commands over dead letters and the queue: which are meant, what is done to them, and what is printed."""

import json
from datetime import UTC, datetime

import pytest

from memoryos_ports.errors import NotFound
from memoryos_ports.events import QueueStats
from memoryos_worker.command_line import parse
from memoryos_worker.commands import Answer, change, show_letters
from memoryos_worker.dead_letters import PAGE
from memoryos_worker.report import ERROR_WIDTH, letters_as_table, stats_as_json, stats_as_table
from tests.unit.worker.letterbox import Letterbox, make_letter


async def run(box: Letterbox, *words: str) -> Answer:
    """Run ``dlq`` with these words over a letterbox."""
    arguments = parse(["dlq", *words])
    return await (show_letters if arguments.action == "list" else change)(box, arguments)


def three() -> Letterbox:
    """Return a letterbox with three letters."""
    return Letterbox([make_letter(number) for number in (1, 2, 3)])


async def test_letters_are_listed_in_aligned_columns() -> None:
    box = Letterbox([make_letter(1), make_letter(22, user_id=None, event_id=None, attempts=1, error="not an event")])

    assert (await run(box, "list")).text.splitlines() == [
        "ID    SOURCE ID  EVENT  USER  ATTEMPTS  FAILED AT                  ERROR",
        "1-0   1001-0     e1     ana   5         2026-03-01T12:00:00+00:00  ValueError: odd text",
        "22-0  1022-0     -      -     1         2026-03-01T12:00:00+00:00  not an event",
    ]


async def test_where_there_are_none_it_says_so() -> None:
    assert (await run(Letterbox([]), "list")).text == "no dead letters"
    assert (await run(Letterbox([]), "list", "--json")).text == "[]"


async def test_an_error_is_shortened_and_cannot_steer_the_terminal() -> None:
    table = letters_as_table([make_letter(1, error="x" * 500), make_letter(2, user_id="a\x1b[31m\nb")])

    assert "x" * (ERROR_WIDTH - 1) + "…" in table
    assert "x" * ERROR_WIDTH not in table
    assert "a?[31m?b" in table


async def test_programs_get_everything_payloads_included() -> None:
    box = Letterbox([make_letter(1, error="x" * 500), make_letter(2, payload=b"\xff\x00")])

    first, second = json.loads((await run(box, "list", "--json")).text)

    assert first == {
        "id": "1-0",
        "source": "chat_log",
        "source_id": "1001-0",
        "event_id": "e1",
        "tenant_id": "acme",
        "user_id": "ana",
        "attempts": 5,
        "failed_at": "2026-03-01T12:00:00Z",
        "error": "x" * 500,
        "payload": '{"v":1}',
        "payload_encoding": "utf-8",
    }
    assert (second["payload"], second["payload_encoding"]) == ("/wA=", "base64")


async def test_a_letter_that_does_not_say_when_it_failed_has_no_date() -> None:
    box = Letterbox([make_letter(1, failed_at=datetime(1970, 1, 1, tzinfo=UTC))])

    assert (await run(box, "list")).text.splitlines()[1].split()[:6] == ["1-0", "1001-0", "e1", "ana", "5", "-"]
    assert json.loads((await run(box, "list", "--json")).text)[0]["failed_at"] is None


async def test_the_oldest_are_listed_and_no_more_are_read_than_are_shown() -> None:
    box = Letterbox([make_letter(number) for number in range(3 * PAGE)])

    assert len((await run(box, "list", "--count", "150")).text.splitlines()) == 151
    assert box.pages == [PAGE, 50]


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        (("--all",), ["1-0", "2-0", "3-0"]),
        (("--count", "2"), ["1-0", "2-0"]),
        (("--all", "--count", "2"), ["1-0", "2-0"]),
        (("3-0", "1-0"), ["1-0", "3-0"]),
        (("3-0", "1-0", "--count", "1"), ["1-0"]),
    ],
)
async def test_exactly_those_that_are_meant_are_put_back(words: tuple[str, ...], gone: list[str]) -> None:
    box = three()

    answer = await run(box, "replay", *words)

    plural = "" if len(gone) == 1 else "s"
    assert answer == Answer(text=f"replayed {len(gone)} dead letter{plural}")
    assert box.replayed == gone
    assert set(box.ids) == {"1-0", "2-0", "3-0"} - set(gone)


@pytest.mark.parametrize("words", [("replay", "3-0", "1-0"), ("replay", "3-0", "--dry-run"), ("drop", "2-0")])
async def test_those_that_are_named_are_looked_up_and_no_others_read(words: tuple[str, ...]) -> None:
    box = three()

    assert (await run(box, *words)).ok
    assert box.pages == []


async def test_dropped_letters_are_not_put_back() -> None:
    box = three()

    assert await run(box, "drop", "2-0") == Answer(text="dropped 1 dead letter")
    assert (box.ids, box.replayed) == (["1-0", "3-0"], [])


@pytest.mark.parametrize("action", ["replay", "drop"])
async def test_a_dry_run_shows_which_they_would_be_and_changes_nothing(action: str) -> None:
    box = three()

    answer = await run(box, action, "--all", "--count", "2", "--dry-run")

    *table, last = answer.text.splitlines()
    assert [line.split()[0] for line in table] == ["ID", "1-0", "2-0"]
    assert last == f"would {action} 2 dead letters"
    assert (box.ids, box.replayed) == (["1-0", "2-0", "3-0"], [])


@pytest.mark.parametrize("words", [("2-0", "9-9"), ("2-0", "9-9", "--dry-run")])
async def test_an_id_of_no_letter_is_named_before_anything_is_changed(words: tuple[str, ...]) -> None:
    box = three()

    with pytest.raises(NotFound, match="no dead letter with id '9-9'"):
        await run(box, "replay", *words)

    assert len(box.letters) == 3


async def test_letters_that_cannot_be_put_back_are_told() -> None:
    box = Letterbox([make_letter(number) for number in (1, 2, 3)], refuses=["2-0"])

    answer = await run(box, "replay", "--all")

    assert not answer.ok
    assert answer.text == "replayed 2 of 3 dead letters: the others are gone or cannot be put back"


async def test_many_are_put_back_a_page_at_a_time() -> None:
    box = Letterbox([make_letter(number) for number in range(2 * PAGE + 1)])

    assert (await run(box, "replay", "--all")).text == f"replayed {2 * PAGE + 1} dead letters"
    assert box.letters == []


def test_the_queue_is_told_a_figure_on_each_line() -> None:
    stats = QueueStats(length=1204, oldest_age_s=3.44, dead=0)

    assert stats_as_table(stats).splitlines() == ["waiting  1204", "oldest  3.4 s", "dead        0"]
    assert json.loads(stats_as_json(stats)) == {"length": 1204, "oldest_age_s": 3.44, "dead": 0}
