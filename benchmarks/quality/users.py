"""Does a user's search slow down as others join? ``python -m benchmarks.quality.users``.

One gateway with static vectors is filled, over HTTP, to 10, 1,000 and 10,000 users of 100 turns each; at each size one
user, the same, asks. Wall time is the client's, CPU time that of the gateway process for one search (Linux: /proc).
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec

from benchmarks.quality.figure import Figure, as_markdown, percentile
from tests.service.memory.api import MemoryApi
from tests.support.process import serving

SIZES = (10, 1_000, 10_000)
TURNS = 100
QUESTIONS = 200

_AT_ONCE = 8
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_THINGS = ("tulip", "kettle", "bicycle", "harbour", "lantern", "violin", "orchard", "compass", "blanket", "ferry")
_DEEDS = ("painted", "repaired", "sold", "borrowed", "photographed", "found", "cleaned", "lost", "wrapped")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of users, growing")
    parser.add_argument("--turns", type=int, default=TURNS, help="of each user")
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    figures = asyncio.run(measure(options.sizes, turns=options.turns, questions=options.questions))
    sys.stdout.write((msgspec.json.encode(figures).decode() if options.json else as_markdown(figures)) + "\n")


async def measure(sizes: Sequence[int], *, turns: int, questions: int) -> list[Figure]:
    """Return wall and CPU time of one user's search at each number of users."""
    flags = ("--set", "embedding.kind=static", "--set", "consolidation.enabled=false")
    figures: list[Figure] = []
    with TemporaryDirectory(prefix="memoryos-users-") as directory:
        async with (
            serving(Path(directory) / "data", *flags) as gateway,
            httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=120) as client,
        ):
            filled = 0
            for size in sizes:
                await _fill(client, range(filled, size), turns)
                filled = size
                figures += await _ask(MemoryApi(client, "user-0"), gateway.pid, size, questions)
    return figures


async def _fill(client: httpx.AsyncClient, users: range, turns: int) -> None:
    numbers = iter(users)

    async def add_next() -> None:
        for number in numbers:
            memory = MemoryApi(client, f"user-{number}")
            said = [{"role": "user", "content": text} for text in said_by(number, turns)]
            for start in range(0, turns, 64):
                await memory.add(messages=said[start : start + 64], session_id="s", wait_timeout_s=60)

    await asyncio.gather(*(add_next() for _ in range(_AT_ONCE)))


async def _ask(memory: MemoryApi, pid: int, size: int, questions: int) -> list[Figure]:
    wall_ms = []
    before = _cpu_s(pid)
    for number in range(questions):
        start = time.perf_counter()
        await memory.search(f"When was the {_THINGS[number % len(_THINGS)]} {_DEEDS[number % len(_DEEDS)]}? {number}")
        wall_ms.append(1000 * (time.perf_counter() - start))
    cpu_ms = 1000 * (_cpu_s(pid) - before) / questions
    of = f"{size} users"
    return [
        Figure(probe="search of one user", case="wall p50", value=percentile(wall_ms, 0.5), unit="ms", of=of),
        Figure(probe="search of one user", case="wall p95", value=percentile(wall_ms, 0.95), unit="ms", of=of),
        Figure(probe="search of one user", case="CPU, mean", value=cpu_ms, unit="ms", of=of),
    ]


def said_by(user: int, turns: int) -> Iterator[str]:
    """Yield what a user says, always the same."""
    chance = random.Random(user)
    for number in range(turns):
        thing, other, deed = chance.choice(_THINGS), chance.choice(_THINGS), chance.choice(_DEEDS)
        yield f"On day {number} I {deed} the {thing} of neighbour {chance.randrange(1000)}, beside my {other}."


def _cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process has taken in all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


if __name__ == "__main__":
    main()
