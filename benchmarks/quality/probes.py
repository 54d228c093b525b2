"""Probes of a running gateway, without an LLM and without a judge: ``python -m benchmarks.quality.probes``.

Each starts `memoryos-gateway serve` on loopback over an empty directory and talks to it over HTTP. Prints one table
(Markdown), or with ``--json`` the same as JSON; ends with 1 when a goal is missed.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import msgspec

from benchmarks.quality.crashes import probe_crashes
from benchmarks.quality.erasure import probe_erasure
from benchmarks.quality.figure import Figure, as_markdown
from benchmarks.quality.injection import probe_injection
from benchmarks.quality.lag import probe_lag
from benchmarks.quality.leaks import probe_leaks
from benchmarks.quality.replay import probe_replay
from benchmarks.quality.stale import probe_stale

Probe: TypeAlias = Callable[[Path], Awaitable[list[Figure]]]

PROBES: Mapping[str, Probe] = {
    "stale": probe_stale,
    "replay": probe_replay,
    "leaks": probe_leaks,
    "erasure": probe_erasure,
    "injection": probe_injection,
    "lag": probe_lag,
    "crashes": probe_crashes,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the probes that are named, or all; return 0 when every goal is reached, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("probe", nargs="*", choices=[[], *PROBES], help="which ones; none: all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    figures = asyncio.run(_run(options.probe or list(PROBES)))
    shown = msgspec.json.encode(figures).decode() if options.json else as_markdown(figures)
    sys.stdout.write(shown + "\n")
    return 0 if all(figure.is_good for figure in figures) else 1


async def _run(names: Sequence[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        sys.stderr.write(f"{name} ...\n")
        with TemporaryDirectory(prefix="memoryos-probe-") as directory:
            figures += await PROBES[name](Path(directory))
    return figures


if __name__ == "__main__":
    sys.exit(main())
