"""The command `memoryos-gateway`."""

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
from memoryos_gateway.command_line import NOT_YET, flags_of, make_parser
from memoryos_gateway.doctor import Finding, examine
from memoryos_gateway.evaluation.command import EvaluationOptions, run_benchmarks
from memoryos_gateway.evaluation.plot import require_matplotlib, save_plot
from memoryos_gateway.evaluation.report import as_json, as_table
from memoryos_gateway.outbox_command import count_waiting
from memoryos_gateway.own_http import status_of
from memoryos_gateway.reembed import reembed
from memoryos_gateway.serve import serve, url_of
from memoryos_gateway.transfer import Whose, export_user, forget_user, import_file
from memoryos_ports.errors import ConfigurationError, MemoryOSError
from memoryos_ports.ids import check_id

OK, FAILED, USAGE = 0, 1, 2

_HTTP_OK: Final = 200
_HEALTH_TIMEOUT_S: Final = 5.0

_Command: TypeAlias = Callable[[Settings, argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 ok, 1 failed, 2 usage."""
    parser = make_parser()
    arguments, unknown = parser.parse_known_args(argv)
    if arguments.command in NOT_YET:
        _complain(f"{arguments.command}: not available in this version")
        return FAILED
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        settings = load_settings(read_environment(), flags=flags_of(arguments))
        configure_logging(settings.log if arguments.command in _WITH_LOG else _quieter(settings.log))
        return _COMMANDS[arguments.command](settings, arguments)
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
        _print(_json(findings))
    else:
        for finding in findings:
            _print(f"{_word_for(finding):8}{finding.check}: {finding.detail}")
    return OK if all(finding.ok for finding in findings) else FAILED


def _word_for(finding: Finding) -> str:
    return "FAILED" if not finding.ok else "WARNING" if finding.warning else "ok"


def _outbox(settings: Settings, arguments: argparse.Namespace) -> int:
    waiting = asyncio.run(count_waiting(settings, wait_s=arguments.wait))
    _print(_json({"waiting": waiting}) if arguments.json else f"{waiting} events wait in the outbox")
    return FAILED if waiting and arguments.wait is not None else OK


def _health(settings: Settings, arguments: argparse.Namespace) -> int:
    url = (arguments.url or url_of(settings)).rstrip("/") + ("/health/ready" if arguments.ready else "/health/live")
    try:
        status = status_of(url, timeout_s=_HEALTH_TIMEOUT_S)
    except OSError as exc:
        _complain(f"{url}: {exc}")
        return FAILED
    _print(f"{url}: {status}")
    return OK if status == _HTTP_OK else FAILED


def _reembed(settings: Settings, arguments: argparse.Namespace) -> int:
    done = asyncio.run(reembed(settings))
    if arguments.json:
        _print(_json(done))
    elif done.memories:
        _print(f"{done.memories} memories are of {done.embedder} now, {done.embedded} of them embedded by this run")
    else:
        _print(f"nothing to do: the index is of {done.embedder}")
    return OK


def _evaluate(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.plot is not None:
        require_matplotlib()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runs = runner.run(run_benchmarks(settings, _evaluation_options(arguments)))
    _print(as_json(runs) if arguments.json else "\n\n".join(as_table(run) for run in runs))
    if arguments.plot is not None:
        save_plot(runs, arguments.plot)
    return OK


def _evaluation_options(arguments: argparse.Namespace) -> EvaluationOptions:
    return EvaluationOptions(
        files=tuple(arguments.file),
        url=arguments.url,
        key=_key(arguments),
        one_user=arguments.one_user,
        limit=arguments.limit,
    )


def _export(settings: Settings, arguments: argparse.Namespace) -> int:
    lines = asyncio.run(export_user(settings, _whose(arguments), arguments.file))
    _print(_json({"lines": lines}) if arguments.json else f"{lines} lines in {arguments.file}")
    return OK


def _import(settings: Settings, arguments: argparse.Namespace) -> int:
    report = asyncio.run(import_file(settings, _whose(arguments), arguments.file))
    if arguments.json:
        _print(_json(report))
    else:
        added = ", ".join(f"{number} {kind}" for kind, number in report["added"].items()) or "nothing"
        _print(f"added: {added}; known already: {report['known']}; faulty lines: {report['faulty']}")
        for fault in report["faults"]:
            _complain(f"line {fault['line']}: {fault['message']}")
    return FAILED if report["faulty"] else OK


def _forget(settings: Settings, arguments: argparse.Namespace) -> int:
    receipt = asyncio.run(forget_user(settings, _whose(arguments)))
    if arguments.json:
        _print(_json(receipt))
    else:
        erased = ", ".join(f"{number} in {store}" for store, number in receipt["erased"].items())
        missed = f"; not reached: {', '.join(receipt['not_reached'])}" if receipt["not_reached"] else ""
        _print(f"{receipt['state']}: {erased}{missed}")
        for pending in receipt["pending"]:
            _print(f"still to come: {pending}")
    return OK if receipt["state"] == "complete" else FAILED


def _whose(arguments: argparse.Namespace) -> Whose:
    return Whose(user_id=check_id(arguments.user, param="--user"), tenant=arguments.tenant, key=_key(arguments))


def _key(arguments: argparse.Namespace) -> str | None:
    """Return the key in the variable that was named. Raises ConfigurationError when it is not set."""
    if arguments.key_env is None:
        return None
    key = read_environment().get(arguments.key_env)
    if not key:
        raise ConfigurationError([f"--key-env {arguments.key_env}: this variable is not set"])
    return key


_COMMANDS: Final[Mapping[str, _Command]] = {
    "serve": _serve,
    "doctor": _doctor,
    "outbox": _outbox,
    "health": _health,
    "reembed": _reembed,
    "eval": _evaluate,
    "export": _export,
    "import": _import,
    "forget": _forget,
}

_WITH_LOG = ("serve", "doctor")  # of the others a line per request would drown the progress


def _quieter(log: LogSettings) -> LogSettings:
    return msgspec.structs.replace(log, level="warning") if log.level == "info" else log


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
