"""The command `memoryos-gateway`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence

import msgspec

import memoryos_gateway
from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.environ import read_environment
from memoryos_adapters.logging import configure_logging
from memoryos_adapters.settings import Settings
from memoryos_gateway.doctor import examine
from memoryos_gateway.serve import serve
from memoryos_ports.errors import ConfigurationError, MemoryOSError

OK, FAILED, USAGE = 0, 1, 2

_NOT_YET = ("keys", "export", "import", "forget", "reembed", "eval")


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
        settings = load_settings(read_environment(), flags=_flags(arguments))
        configure_logging(settings.log)
        run: Callable[[Settings, argparse.Namespace], int] = {"serve": _serve, "doctor": _doctor}[arguments.command]
        return run(settings, arguments)
    except ConfigurationError as exc:
        for fault in exc.faults:
            _complain(fault)
    except MemoryOSError as exc:
        _complain(str(exc))
    return FAILED


def _serve(settings: Settings, _: argparse.Namespace) -> int:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(settings, announce=lambda url: _complain(f"MemoryOS gateway serves on {url}")))
    return OK


def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    findings = asyncio.run(examine(settings))
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(findings).decode() + "\n")
    else:
        for finding in findings:
            sys.stdout.write(f"{'ok' if finding.ok else 'FAILED':8}{finding.check}: {finding.detail}\n")
    return OK if all(finding.ok for finding in findings) else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="memoryos-gateway", description="The LLM gateway that remembers.")
    parser.add_argument("--version", action="version", version=memoryos_gateway.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serving = commands.add_parser("serve", help="serve the gateway")
    doctor = commands.add_parser("doctor", help="check the configuration and reach every dependency")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    for command in (serving, doctor):
        command.add_argument("--host", help="address to listen on")
        command.add_argument("--port", help="port to listen on; 0 takes a free one")
        command.add_argument("--data-dir", help="where the embedded profile keeps its data")
        command.add_argument("--provider", help="a configured provider, or a kind such as openai, as the default")
        command.add_argument("--model", help="the one model that is served, as `auto` and by its name; with --provider")
        command.add_argument(
            "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="any other setting"
        )
    for name in _NOT_YET:
        commands.add_parser(name, help="not available in this version")
    return parser


def _flags(arguments: argparse.Namespace) -> dict[str, str]:
    named = {
        "server.host": arguments.host,
        "server.port": arguments.port,
        "data_dir": arguments.data_dir,
        "provider": arguments.provider,
        "model": arguments.model,
    }
    flags = {key: value for key, value in named.items() if value is not None}
    for setting in arguments.set:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigurationError([f"--set {setting}: expected SECTION.KEY=VALUE"])
        flags[key] = value
    return flags


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
