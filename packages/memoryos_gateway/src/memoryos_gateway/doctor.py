"""The command `doctor`: checks the configuration and reaches every dependency, without serving."""

import asyncio
from urllib.request import urlopen

import msgspec

from memoryos_adapters.container import resolve_all, slots
from memoryos_adapters.data_directory import open_data_directory, read_holder
from memoryos_adapters.registry import Adapters, Probe, open_adapters
from memoryos_adapters.settings import Settings
from memoryos_gateway.container import GatewayContainer
from memoryos_gateway.routes.health import StatusAnswer
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import ConfigurationError, MemoryOSError

_PROBE_TIMEOUT_S = 5.0
_EMBEDDER = "embedder"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `detail` says what was found."""

    check: str
    ok: bool
    detail: str


async def examine(settings: Settings) -> list[Finding]:
    """Return what was found; the configuration itself has been checked by whoever loaded the settings.

    When a gateway holds the data directory, it is asked for its state over HTTP.
    """
    findings = [_good("configuration", f"profile {settings.storage.profile}")]
    holder = read_holder(settings.data_dir)
    if holder is not None and holder.url is not None:
        return [*findings, _good("data directory", f"held by process {holder.pid}"), await _ask(holder.url)]
    try:
        with open_data_directory(settings.data_dir) as directory:
            findings.append(_good("data directory", str(directory.path)))
            async with open_adapters(settings, database=directory.database, index=directory.index) as adapters:
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
        status = await asyncio.to_thread(_get_status, url)
    except OSError as exc:
        return Finding(check="gateway", ok=False, detail=f"{url} does not answer: {exc}")
    states = ", ".join(f"{name} {state}" for name, state in status.dependencies.items())
    return Finding(check="gateway", ok=status.mode == "fully_operational", detail=f"{url} is {status.mode}: {states}")


def _get_status(url: str) -> StatusAnswer:
    with urlopen(f"{url}/health/status", timeout=_PROBE_TIMEOUT_S) as answer:  # noqa: S310 - our own gateway's URL
        return msgspec.json.decode(answer.read(), type=StatusAnswer)


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
