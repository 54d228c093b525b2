"""The command `memoryos-worker`."""

import argparse
import sys
from collections.abc import Sequence

import memoryos_worker
from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.environ import read_environment
from memoryos_ports.errors import ConfigurationError

OK, FAILED, USAGE = 0, 1, 2

_NOT_YET = ("dlq", "stats")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 ok, 1 failed, 2 usage."""
    parser = _parser()
    arguments, unknown = parser.parse_known_args(argv)
    if arguments.command in _NOT_YET:
        _complain(f"{arguments.command}: not available in this version")
        return FAILED
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        settings = load_settings(read_environment())
    except ConfigurationError as exc:
        faults = exc.faults
    else:
        faults = (
            f"storage.profile: a worker needs the profile 'server', configured is {settings.storage.profile!r}; "
            "on one machine the gateway applies its events itself",
        )
    for fault in faults:
        _complain(fault)
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="memoryos-worker", description="Consumes events beside the gateways.")
    parser.add_argument("--version", action="version", version=memoryos_worker.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="consume events until told to stop")
    for name in _NOT_YET:
        commands.add_parser(name, help="not available in this version")
    return parser


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
