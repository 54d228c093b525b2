"""The command `doctor`: checks the configuration and reaches every dependency, without serving."""

import asyncio

import msgspec

from memoryos_adapters.container import resolve_all, slots
from memoryos_adapters.data_directory import open_data_directory
from memoryos_adapters.registry import Adapters, open_adapters
from memoryos_adapters.settings import Settings
from memoryos_gateway.container import GatewayContainer
from memoryos_ports.errors import ConfigurationError, MemoryOSError

_PROBE_TIMEOUT_S = 5.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `detail` says what was found."""

    check: str
    ok: bool
    detail: str


async def examine(settings: Settings) -> list[Finding]:
    """Return what was found; the configuration itself has been checked by whoever loaded the settings."""
    findings = [Finding(check="configuration", ok=True, detail=f"profile {settings.storage.profile}")]
    try:
        with open_data_directory(settings.data_dir) as directory:
            findings.append(Finding(check="data directory", ok=True, detail=str(directory.path)))
            async with open_adapters(settings, database=directory.database, index=directory.index) as adapters:
                resolve_all(GatewayContainer(**slots(settings, adapters)))
                findings.append(Finding(check="wiring", ok=True, detail="every part resolves"))
                findings.extend(await _reach(adapters))
    except ConfigurationError as exc:
        findings.extend(Finding(check="start-up", ok=False, detail=fault) for fault in exc.faults)
    except MemoryOSError as exc:
        findings.append(Finding(check="start-up", ok=False, detail=str(exc)))
    return findings


async def _reach(adapters: Adapters) -> list[Finding]:
    findings: list[Finding] = []
    for name, probe in adapters.probes.items():
        if probe is None:
            findings.append(Finding(check=name, ok=True, detail="bypassed by configuration"))
            continue
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await probe()
        except (MemoryOSError, TimeoutError) as exc:
            findings.append(Finding(check=name, ok=False, detail=str(exc) or "no answer in time"))
        else:
            findings.append(Finding(check=name, ok=True, detail="up"))
    vector = await adapters.embedder.embed(["doctor"])
    findings.append(Finding(check="embedder", ok=True, detail=f"{adapters.embedder.stamp}, {len(vector[0])} floats"))
    return findings
