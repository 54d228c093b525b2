"""Stale facts: after N updates of one slot, is any old value still told as true?"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.quality.client import EAGER, becomes_true, probe_client
from benchmarks.quality.figure import Figure
from tests.service.memory.api import MemoryApi

UPDATES = (1, 2, 5, 10, 20)

_START = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


class SlotCase(msgspec.Struct, frozen=True, kw_only=True):
    """A slot with a statement that fills it, a question about it, and more distinct values than updates."""

    name: str
    says: str
    asks: str
    values: tuple[str, ...]


DATA = Path(__file__).parent / "data" / "slots.json"


async def probe_stale(
    directory: Path, *, cases: Sequence[SlotCase] | None = None, updates: Sequence[int] = UPDATES
) -> list[Figure]:
    """Return how many facts with an old value were told, per number of updates, over all slots."""
    cases = cases or read_cases()
    async with probe_client(directory / "stale", *EAGER) as prober:
        figures = []
        for count in updates:
            told = await asyncio.gather(
                *(_stale(prober.memory(f"u{count}-{n}"), case, count) for n, case in enumerate(cases))
            )
            stale, facts, missing = (sum(column) for column in zip(*told, strict=True))
            case = f"{count} update{'s' if count > 1 else ''}"
            figures += [
                Figure(probe="stale facts", case=case, value=stale, of=f"{facts} facts told", most=0),
                Figure(probe="newest fact missing", case=case, value=missing, of=f"{len(cases)} slots", most=0),
            ]
        return figures


def read_cases() -> list[SlotCase]:
    """Return the slots that are tried."""
    return msgspec.json.decode(DATA.read_bytes(), type=list[SlotCase])


async def _stale(memory: MemoryApi, case: SlotCase, updates: int) -> tuple[int, int, int]:
    """Return how many of the told facts are stale, how many were told, and whether the newest was not among them."""
    *old, newest = case.values[: updates + 1]
    for number, value in enumerate([*old, newest]):
        moment = (_START + timedelta(days=number)).isoformat()
        await memory.add(case.says.format(value), session_id="diary", timestamp=moment)
    await _until_learnt(memory, newest, updates + 1)
    told = [hit["text"] for hit in await memory.search(case.asks, kinds=["fact"], limit=50)]
    retrieved = await memory.retrieve(case.asks, limit=50)
    told += [fact["text"] for fact in retrieved["long_term"]["facts"]]
    told += list(_still_held(await memory.list_all(kind="fact")))
    return sum(_holds(text, old) for text in told), len(told), int(not any(_holds(text, [newest]) for text in told))


async def _until_learnt(memory: MemoryApi, newest: str, number: int) -> None:
    """Wait until every statement is a fact, and the newest holds; give up after a while: the figures will tell."""

    async def is_learnt() -> bool:
        facts = await memory.list_all(kind="fact")
        return len(facts) >= number and any(_holds(text, [newest]) for text in _still_held(facts))

    await becomes_true(is_learnt)


def _still_held(facts: Iterable[dict[str, Any]]) -> Iterable[str]:
    return (fact["text"] for fact in facts if fact["fact"]["valid_to"] is None)


def _holds(text: str, values: Sequence[str]) -> bool:
    return any(value.casefold() in text.casefold() for value in values)
