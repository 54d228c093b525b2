"""Where log lines go and what they look like; called by a `__main__`, nothing else sets a sink.

Lines of the libraries that use the standard library's logging take the same way, with their own level, module,
function and line. Tracebacks never show the values of variables.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec
from loguru import logger

from memoryos_adapters.settings import LogSettings

if TYPE_CHECKING:
    from loguru import Message, Record

_SHARED_LEVELS: Final = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
_CHATTY: Final = ("httpcore", "httpx")
"""Libraries that tell every request at info: only their warnings are heard, unless `modules` names them."""

_JSON_FIELDS: Final = frozenset({"time", "level", "message", "module", "exception"})


def configure_logging(settings: LogSettings, sink: TextIO | None = None) -> Callable[[], None]:
    """Send every log line to `sink` (None: standard error) and nowhere else; return what undoes this.

    ``pretty``: one coloured line (colours only on a terminal), bound fields as ``name=value``, then the traceback.
    ``json``: one object per line with time (RFC 3339, UTC), level, message, module, the bound fields, and the traceback
    as ``exception``; a field that bears one of these names gets a ``_`` behind it.

    A message below every configured level costs well under a microsecond: its record is never made.
    """
    stream = sink if sink is not None else sys.stderr
    named = {"": settings.level} | settings.modules
    levels: dict[str | None, str | int | bool] = {name: logger.level(level.upper()).no for name, level in named.items()}
    lowest = int(min(levels.values()))
    logger.remove()
    handler = logger.add(
        _JsonSink(stream) if settings.format == "json" else stream,
        level=lowest,
        format=_pretty_template if settings.format == "pretty" else "",
        filter=levels if settings.modules else None,
        backtrace=False,
        diagnose=False,
        enqueue=False,
    )
    chatty = {name: lowest if name in settings.modules else max(lowest, logging.WARNING) for name in _CHATTY}
    release = _intercept_standard_logging({"": lowest} | chatty)

    def undo() -> None:
        release()
        with suppress(ValueError):  # a later call has removed it already
            logger.remove(handler)

    return undo


def _pretty_template(record: "Record") -> str:
    fields = "".join(f" <dim>{name}=</dim>{{extra[{name}]!r}}" for name in record["extra"])
    return (
        "<green>{time:YYYY-MM-DD HH:mm:ss.SSS}</green> <level>{level: <8}</level> <cyan>{name}</cyan> "
        f"<level>{{message}}</level>{fields}\n{{exception}}"
    )


class _JsonSink:
    """Writes a record as one JSON object on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, message: "Message") -> None:
        line = _json_fields(message.record)
        try:
            text = msgspec.json.encode(line, enc_hook=repr)
        except (TypeError, ValueError, RecursionError):  # keys that JSON lacks, lone surrogates, cycles
            text = msgspec.json.encode({name: ascii(value) for name, value in line.items()})
        self._stream.write(text.decode() + "\n")
        self._stream.flush()


def _json_fields(record: "Record") -> dict[str, Any]:
    line: dict[str, Any] = {
        "time": record["time"].astimezone(UTC).isoformat(),
        "level": record["level"].name,
        "message": record["message"],
        "module": record["name"],
    }
    for name, value in record["extra"].items():
        line[f"{name}_" if name in _JSON_FIELDS else name] = value
    if (error := record["exception"]) is not None:
        line["exception"] = "".join(traceback.format_exception(error.type, error.value, error.traceback))
    return line


class _ToLoguru(logging.Handler):
    """Passes a record of the standard library on, as if its own module had logged it here."""

    def emit(self, record: logging.LogRecord) -> None:
        def place(target: "Record") -> None:
            target["name"], target["function"], target["line"] = record.name, record.funcName, record.lineno

        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # the library's arguments do not fit its own message
            self.handleError(record)
            return
        logger.patch(place).opt(exception=record.exc_info).log(
            _SHARED_LEVELS.get(record.levelno, record.levelno), message
        )


def _intercept_standard_logging(levels: Mapping[str, int]) -> Callable[[], None]:
    """Make the root logger ours alone, and every other logger pass its records up to it; return what undoes this.

    `levels` are those of some loggers by name, "" for the root, whatever the libraries have set themselves.
    """
    root, leveled = logging.getLogger(), [(logging.getLogger(name), level) for name, level in levels.items()]
    known = [entry for entry in logging.Logger.manager.loggerDict.values() if isinstance(entry, logging.Logger)]
    before = [(entry, entry.handlers, entry.propagate, entry.level) for entry in (root, *known)]
    for entry in known:
        entry.handlers, entry.propagate = [], True
    root.handlers = [_ToLoguru()]
    for entry, level in leveled:
        entry.setLevel(level)

    def restore() -> None:
        for entry, handlers, propagate, own_level in before:
            entry.handlers, entry.propagate = handlers, propagate
            entry.setLevel(own_level)

    return restore
