"""The command `memoryos-worker`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.environ import read_environment
from memoryos_adapters.logging import configure_logging
from memoryos_adapters.settings import LogSettings, Settings
from memoryos_ports.errors import ConfigurationError, MemoryOSError
from memoryos_worker.command_line import parse
from memoryos_worker.health import ask_health

OK, FAILED, USAGE = 0, 1, 2

_Command: TypeAlias = Callable[[Settings, argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 ok, 1 failed, 2 usage."""
    arguments = parse(argv)
    try:
        settings = load_settings(read_environment())
        if arguments.command != "health":
            _require_server_profile(settings)
        configure_logging(settings.log if arguments.command == "run" else _quiet(settings.log))
        return _COMMANDS[arguments.command](settings, arguments)
    except ConfigurationError as exc:
        for fault in exc.faults:
            _complain(fault)
    except MemoryOSError as exc:
        _complain(str(exc))
    return FAILED


def _run(settings: Settings, _: argparse.Namespace) -> int:
    from memoryos_worker.serve import serve  # it loads every adapter, which `health` has no time for

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(settings, announce=lambda url: _complain(f"MemoryOS worker serves on {url}")))
    return OK


def _look(settings: Settings, arguments: argparse.Namespace) -> int:
    from memoryos_worker.commands import run_command  # as above

    answer = asyncio.run(run_command(settings, arguments))
    sys.stdout.write(answer.text + "\n")
    return OK if answer.ok else FAILED


def _health(settings: Settings, arguments: argparse.Namespace) -> int:
    if ask_health(settings.worker, url=arguments.url, ready=arguments.ready):
        return OK
    _complain("worker: it answers, and is not ready" if arguments.ready else "worker: it answers, and not with 200")
    return FAILED


_COMMANDS: Final[Mapping[str, _Command]] = {"run": _run, "stats": _look, "dlq": _look, "health": _health}


def _require_server_profile(settings: Settings) -> None:
    if settings.storage.profile != "server":
        raise ConfigurationError(
            [
                "storage.profile: a worker needs the profile 'server', configured is "
                f"{settings.storage.profile!r}; on one machine the gateway applies its events itself"
            ]
        )


def _quiet(log: LogSettings) -> LogSettings:
    """Return what leaves a command's own words alone on the screen, unless somebody wants to see more."""
    return msgspec.structs.replace(log, level="error") if log.level == "info" else log


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
