"""What the command `memoryos-worker` understands."""

import argparse
from collections.abc import Sequence

import memoryos_worker

LISTED = 100
"""How many dead letters are listed unless told otherwise."""


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return what was asked for; `command` is one of run, stats, health, dlq, and `action` what to do with the dlq.

    Raises SystemExit with code 2 when it cannot be understood.
    """
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    if arguments.command == "dlq" and arguments.action != "list":
        if arguments.all and arguments.ids:
            parser.error(f"dlq {arguments.action}: name IDs or say --all, not both")
        if not (arguments.all or arguments.ids or arguments.count):
            parser.error(f"dlq {arguments.action}: name IDs, or say --all or --count N (the oldest)")
    return arguments


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="memoryos-worker", description="Consumes events beside the gateways.")
    parser.add_argument("--version", action="version", version=memoryos_worker.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="consume events until told to stop")
    stats = commands.add_parser("stats", help="say how many events wait, and how many are dead")
    stats.add_argument("--json", action="store_true", help="print JSON")
    health = commands.add_parser("health", help="ask the worker of this configuration how it is; exit code 0 or 1")
    health.add_argument("--ready", action="store_true", help="whether it takes events; otherwise whether it lives")
    health.add_argument("--url", help="where it is, in the place of worker.host and worker.port")
    _add_dlq(commands.add_parser("dlq", help="look at dead letters, put them back, or drop them"))
    return parser


def _add_dlq(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="show dead letters, oldest first")
    listing.add_argument("--count", type=_positive, default=LISTED, metavar="N", help=f"at most N ({LISTED})")
    listing.add_argument("--json", action="store_true", help="print JSON, payloads included")
    for name, text in (("replay", "put originals back into the stream"), ("drop", "remove dead letters for good")):
        action = actions.add_parser(name, help=text)
        action.add_argument("ids", nargs="*", metavar="ID", help="as `dlq list` shows them")
        action.add_argument("--all", action="store_true", help="every dead letter that there is now")
        action.add_argument("--count", type=_positive, metavar="N", help="at most N, the oldest first")
        action.add_argument("--dry-run", action="store_true", help="change nothing, show which they would be")


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, is {text!r}")
    return int(text)
