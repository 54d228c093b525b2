"""The command `doctor`: checks the configuration and reaches every dependency, without serving."""

import asyncio

import msgspec

from memoryos_adapters.container import resolve_all, slots
from memoryos_adapters.profiles.adapters import Adapters, Probe
from memoryos_adapters.registry import inspect_servers
from memoryos_adapters.settings import Settings
from memoryos_gateway.container import GatewayContainer
from memoryos_gateway.data_place import adapters_in, hold_data_directory, holder_of
from memoryos_gateway.own_http import get_json
from memoryos_gateway.routes.health import StatusAnswer
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import ConfigurationError, MemoryOSError

_PROBE_TIMEOUT_S = 5.0
_EMBEDDER = "embedder"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `detail` says what was found; a `warning` stops nothing, and is to be known."""

    check: str
    ok: bool
    detail: str
    warning: bool = False


async def examine(settings: Settings) -> list[Finding]:
    """Return what was found; the configuration itself has been checked by whoever loaded the settings.

    When a gateway holds the data directory, it is asked for its state over HTTP.
    """
    findings = [_good("configuration", f"profile {settings.storage.profile}"), *await _inspect(settings)]
    try:
        holder = holder_of(settings)
        if holder is not None and holder.url is not None:
            return [*findings, _good("data directory", f"held by process {holder.pid}"), await _ask(holder.url)]
        with hold_data_directory(settings) as directory:
            findings.append(_good("data directory", "not needed" if directory is None else str(directory.path)))
            async with adapters_in(settings, directory) as adapters:
                resolve_all(GatewayContainer(**slots(settings, adapters)))
                findings.append(_good("wiring", "every part resolves"))
                findings.extend(await _reach(adapters))
    except ConfigurationError as exc:
        findings.extend(Finding(check="start-up", ok=False, detail=fault) for fault in exc.faults)
    except MemoryOSError as exc:
        findings.append(Finding(check="start-up", ok=False, detail=str(exc)))
    return findings


async def _ask(url: str) -> Finding:
    try:
        status = await asyncio.to_thread(
            get_json, f"{url}/health/status", answer=StatusAnswer, timeout_s=_PROBE_TIMEOUT_S
        )
    except OSError as exc:
        return Finding(check="gateway", ok=False, detail=f"{url} does not answer: {exc}")
    states = ", ".join(f"{name} {state}" for name, state in status.dependencies.items())
    if status.outbox is not None:
        states += f"; {status.outbox.waiting} events in the outbox"
    return Finding(check="gateway", ok=status.mode == "fully_operational", detail=f"{url} is {status.mode}: {states}")


async def _inspect(settings: Settings) -> list[Finding]:
    """Return what servers tell of themselves; what is not as it should be is a warning, since it stops nothing."""
    remarks = await inspect_servers(settings)
    return [Finding(check=each.check, ok=True, detail=each.detail, warning=not each.ok) for each in remarks]


async def _reach(adapters: Adapters) -> list[Finding]:
    reaches = {f"llm {llm.adapter.name}": llm.adapter.reach for llm in adapters.llms}
    stores = {name: probe for name, probe in adapters.probes.items() if name != _EMBEDDER}
    findings = [await _probe(name, probe) for name, probe in {**stores, **reaches}.items()]
    return [*findings, await _embed(adapters.embedder)]


async def _embed(embedder: Embedder) -> Finding:
    """Have a word embedded: unlike its probe, that tells whether an embedder outside works."""
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            (vector,) = await embedder.embed(["doctor"])
    except (MemoryOSError, TimeoutError) as exc:
        return Finding(check=_EMBEDDER, ok=False, detail=str(exc) or "no answer in time")
    return _good(_EMBEDDER, f"{embedder.stamp}, {len(vector)} floats")


async def _probe(name: str, probe: Probe | None) -> Finding:
    if probe is None:
        return _good(name, "bypassed by configuration")
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            await probe()
    except (MemoryOSError, TimeoutError) as exc:
        return Finding(check=name, ok=False, detail=str(exc) or "no answer in time")
    return _good(name, "up")


def _good(check: str, detail: str) -> Finding:
    return Finding(check=check, ok=True, detail=detail)
