"""What the command `memoryos-gateway` understands, and which settings its flags stand for."""

import argparse
from pathlib import Path

import memoryos_gateway
from memoryos_ports.errors import ConfigurationError

NOT_YET = ("keys",)
"""Commands of a later version."""

_LONGEST_WAIT_S = 1_000_000


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="memoryos-gateway", description="The LLM gateway that remembers.")
    parser.add_argument("--version", action="version", version=memoryos_gateway.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serving = commands.add_parser("serve", help="serve the gateway")
    doctor = commands.add_parser("doctor", help="check the configuration and reach every dependency")
    outbox = commands.add_parser("outbox", help="tell how many events wait for the event log")
    health = commands.add_parser("health", help="exit with 0 when a gateway answers, else with 1")
    reembed = commands.add_parser("reembed", help="embed every memory again, after the embedder was changed")
    evaluation = commands.add_parser("eval", help="measure recall on a benchmark file")
    transfers = _add_transfers(commands)
    for command in (serving, doctor):
        command.add_argument("--host", help="address to listen on")
        command.add_argument("--port", help="port to listen on; 0 takes a free one")
        command.add_argument("--provider", help="a configured provider, or a kind such as openai, as the default")
        command.add_argument("--model", help="the one model that is served, as `auto` and by its name; with --provider")
    for command in (serving, doctor, outbox, reembed, *transfers):
        command.add_argument("--data-dir", help="where the gateway keeps its data")
    for command in (doctor, outbox, reembed, evaluation, *transfers):
        command.add_argument("--json", action="store_true", help="print JSON")
    for command in (reembed, evaluation):
        command.add_argument("--embedding", metavar="KIND", help="the embedder, in the place of the configured one")
    for command in (serving, doctor, outbox, health, reembed, evaluation, *transfers):
        command.add_argument(
            "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="any other setting"
        )
    outbox.add_argument(
        "--wait", type=_seconds, metavar="SECONDS", help="until none waits, so long at most; exit with 1 when some do"
    )
    health.add_argument("--ready", action="store_true", help="ask whether it can serve, not only whether it lives")
    health.add_argument("--url", help="where the gateway serves; otherwise where the configuration says")
    _add_evaluation(evaluation)
    for name in NOT_YET:
        commands.add_parser(name, help="not available in this version")
    return parser


def flags_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the settings that were given as flags. Raises ConfigurationError for a --set that is none."""
    named = {
        "server.host": "host",
        "server.port": "port",
        "data_dir": "data_dir",
        "provider": "provider",
        "model": "model",
        "embedding.kind": "embedding",
    }
    given = {key: getattr(arguments, name, None) for key, name in named.items()}
    flags = {key: value for key, value in given.items() if value is not None}
    for setting in arguments.set:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigurationError([f"--set {setting}: expected SECTION.KEY=VALUE"])
        flags[key] = value
    return flags


def _add_evaluation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="+", type=Path, help="conversations and questions, as docs/reference/quality.md says"
    )
    parser.add_argument("--url", help="a running gateway; otherwise one is started for the occasion")
    parser.add_argument("--key-env", metavar="NAME", help="the variable that holds a key of that gateway; with --url")
    parser.add_argument("--one-user", action="store_true", help="put all conversations into one user's memory")
    parser.add_argument("--limit", type=_positive, metavar="N", help="only the first N conversations of a file")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw recall by k and category; needs matplotlib")


def _add_transfers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> list[argparse.ArgumentParser]:
    exporting = commands.add_parser("export", help="write everything held of a user to a file")
    importing = commands.add_parser("import", help="take in what an export wrote")
    forgetting = commands.add_parser("forget", help="erase a user, for good")
    for command in (exporting, importing):
        command.add_argument("file", type=Path, metavar="FILE.ndjson")
    for command in (exporting, importing, forgetting):
        command.add_argument("--user", required=True, metavar="ID", help="whose memory")
        command.add_argument("--tenant", default="default", help="of the user, when no gateway serves the directory")
        command.add_argument(
            "--key-env", metavar="NAME", help="the variable that holds a key of the gateway that serves"
        )
    return [exporting, importing, forgetting]


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < _LONGEST_WAIT_S:
        raise ValueError(text)
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
