"""Log lines as they come out of the sink: their form, their level, where they come from, what they never show."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from loguru import logger

from memoryos_adapters.logging import configure_logging
from memoryos_adapters.settings import LlmProviderSettings, LogSettings, Secret

Configure = Callable[[LogSettings], io.StringIO]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Configure logging as a `__main__` does; undone at the end."""
    undo: list[Callable[[], None]] = []

    def start(settings: LogSettings) -> io.StringIO:
        sink = io.StringIO()
        undo.append(configure_logging(settings, sink))
        return sink

    yield start
    for undo_one in reversed(undo):
        undo_one()


def lines(sink: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_json_is_one_object_per_line_with_the_bound_fields(configure: Configure) -> None:
    sink = configure(LogSettings(format="json"))
    logger.bind(user_id="u", hits=3, took=timedelta(seconds=1)).info("memory\nrecalled")
    (line,) = lines(sink)
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "level": "INFO",
        "message": "memory\nrecalled",
        "module": __name__,
        "user_id": "u",
        "hits": 3,
        "took": "PT1S",
    }


def test_json_times_are_utc(configure: Configure) -> None:
    sink = configure(LogSettings(format="json"))
    logger.info("now")
    assert datetime.fromisoformat(lines(sink)[0]["time"]).utcoffset() == datetime.now(UTC).utcoffset()


def test_a_bound_field_never_hides_one_of_the_lines_own(configure: Configure) -> None:
    sink = configure(LogSettings(format="json"))
    logger.bind(level="mine", message="mine").info("theirs")
    (line,) = lines(sink)
    assert (line["level"], line["level_"], line["message"], line["message_"]) == ("INFO", "mine", "theirs", "mine")


def test_json_bears_what_json_cannot_hold(configure: Configure) -> None:
    sink = configure(LogSettings(format="json"))
    ring: list[object] = []
    ring.append(ring)
    logger.bind(odd=object, keys={(1, 2): 3}, lone="\udc80", ring=ring).info("odd")
    (line,) = lines(sink)
    assert line["lone"] == "'\\udc80'"
    assert line["keys"] == "{(1, 2): 3}"


@pytest.mark.parametrize("form", ["pretty", "json"])
def test_a_traceback_is_there_without_the_values_of_variables(configure: Configure, form: Any) -> None:
    sink = configure(LogSettings(format=form))
    secret_value = "sk-" + "very-secret"
    try:
        len(int(secret_value[0:0] or "1"))  # type: ignore[arg-type]  # it is meant to fail
    except TypeError:
        logger.exception("failed")
    text = sink.getvalue()
    assert "Traceback (most recent call last)" in text
    assert "TypeError: object of type 'int' has no len()" in text
    assert "very-secret" not in text.replace('"sk-" + "very-secret"', "")


@pytest.mark.parametrize("form", ["pretty", "json"])
def test_a_secret_shows_as_one(configure: Configure, form: Any) -> None:
    sink = configure(LogSettings(format=form))
    provider = LlmProviderSettings(kind="openai", api_key=Secret("sk-2"))
    logger.bind(key=Secret("sk-1"), provider=provider, keys=[Secret("sk-3")]).info("with {}", Secret("sk-4"))
    assert sink.getvalue().count("Secret(…)") == 4
    assert "sk-" not in sink.getvalue()


def test_pretty_is_one_line_with_fields_and_no_colours_outside_a_terminal(configure: Configure) -> None:
    sink = configure(LogSettings())
    logger.bind(user_id="u", hits=3).warning("memory {recalled} <b>")
    (line,) = sink.getvalue().splitlines()
    assert line.endswith(f"WARNING  {__name__} memory {{recalled}} <b> user_id='u' hits=3")
    assert "\x1b" not in line


def test_lines_below_the_level_are_left_out(configure: Configure) -> None:
    sink = configure(LogSettings(level="WARNING", format="json"))
    logger.info("no")
    logger.warning("yes")
    assert [line["message"] for line in lines(sink)] == ["yes"]


def test_a_module_and_those_below_it_have_a_level_of_their_own(configure: Configure) -> None:
    sink = configure(LogSettings(level="info", format="json", modules={"noisy": "error", "noisy.but.useful": "debug"}))
    for name in ("noisy", "noisy.deep", "noisy.but.useful.indeed", "noisyneighbour"):
        logging.getLogger(name).debug("debug")
        logging.getLogger(name).info("info")
        logging.getLogger(name).error("error")
    assert [(line["module"], line["message"]) for line in lines(sink)] == [
        ("noisy", "error"),
        ("noisy.deep", "error"),
        ("noisy.but.useful.indeed", "debug"),
        ("noisy.but.useful.indeed", "info"),
        ("noisy.but.useful.indeed", "error"),
        ("noisyneighbour", "info"),
        ("noisyneighbour", "error"),
    ]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_standard_logging_keeps_its_level_and_place(configure: Configure, level: str) -> None:
    sink = configure(LogSettings(level="trace", format="json"))
    logging.getLogger("uvicorn.error").log(logging.getLevelNamesMapping()[level], "started on %s {x}", 8080)
    (line,) = lines(sink)
    assert (line["level"], line["module"], line["message"]) == (level, "uvicorn.error", "started on 8080 {x}")


@pytest.mark.parametrize(("modules", "heard"), [({}, ["slow"]), ({"httpx": "info"}, ["GET /", "slow"])])
def test_a_line_per_request_of_a_library_is_heard_only_when_asked_for(
    configure: Configure, modules: dict[str, str], heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("httpx"), "level", logging.WARNING)  # as another library may have set it
    sink = configure(LogSettings(format="json", modules=modules))
    logging.getLogger("httpx").info("GET /")
    logging.getLogger("httpx").warning("slow")
    assert [line["message"] for line in lines(sink)] == heard


def test_standard_logging_brings_its_traceback(configure: Configure) -> None:
    sink = configure(LogSettings(format="json"))
    try:
        raise OSError("gone")
    except OSError:
        logging.getLogger("aiohttp.server").exception("failed")
    assert lines(sink)[0]["exception"].endswith("OSError: gone\n")


def test_a_library_whose_handlers_were_set_up_before_is_still_heard_once(configure: Configure) -> None:
    own = io.StringIO()
    library = logging.getLogger("library.with.handlers")
    handler = logging.StreamHandler(own)
    library.addHandler(handler)
    library.propagate = False
    undo = configure_logging(LogSettings(format="json"), sink := io.StringIO())
    library.error("heard")
    undo()
    assert [line["message"] for line in lines(sink)] == ["heard"]
    assert own.getvalue() == ""
    assert library.handlers == [handler]
    assert library.propagate is False


def test_undoing_takes_the_sink_and_the_interception_away() -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    undo = configure_logging(LogSettings(), sink := io.StringIO())
    undo()
    logger.error("unheard")
    assert sink.getvalue() == ""
    assert (root.level, root.handlers) == before


def test_a_second_configuration_replaces_the_first(configure: Configure) -> None:
    first, second = configure(LogSettings(format="json")), configure(LogSettings(format="json"))
    logger.info("once")
    logging.getLogger("standard").info("once")
    assert first.getvalue() == ""
    assert len(lines(second)) == 2


def test_a_line_below_the_level_is_never_made(configure: Configure) -> None:
    made: list[str] = []
    sink = configure(LogSettings())
    logger.opt(lazy=True).debug("{}", lambda: made.append("made"))
    assert (made, sink.getvalue()) == ([], "")
