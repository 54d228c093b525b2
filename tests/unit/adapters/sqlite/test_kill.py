"""A process killed in the middle of its writes loses nothing that it acknowledged."""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.events.sqlite import SCHEMA, SqliteEvents
from memoryos_adapters.sqlite import SqliteDatabase

PUBLISHER = Path(__file__).with_name("publisher.py")
PATIENCE_S = 30.0


@pytest.mark.parametrize("seed", [7])
async def test_every_acknowledged_event_survives_a_kill_exactly_once(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "memoryos.db"
    async with asyncio.timeout(PATIENCE_S):
        acknowledged = await publish_until_killed(path, lines=random.Random(seed).randrange(50, 400))
        async with SqliteDatabase.open(path, schemas=[SCHEMA]) as db:
            log = SqliteEvents(db, SystemClock())
            stats = await log.stats()
            deliveries = await log.receive(limit=stats.length + 1, wait_s=0)
            intact = await db.read(lambda connection: connection.execute("PRAGMA integrity_check").fetchone())
    held = Counter(str(delivery.event_id) for delivery in deliveries)
    assert intact == ("ok",)
    assert len(deliveries) == stats.length
    assert set(held.values()) == {1}
    assert acknowledged <= set(held)
    assert {delivery.attempts for delivery in deliveries} <= {0, 1}  # 1: the killed process held it


async def publish_until_killed(path: Path, *, lines: int) -> set[str]:
    """Run a publisher, kill it (SIGKILL) after so many lines, and return the ids that it acknowledged."""
    publisher = await asyncio.create_subprocess_exec(
        sys.executable, str(PUBLISHER), str(path), stdout=asyncio.subprocess.PIPE
    )
    assert publisher.stdout is not None
    said = b""
    try:
        for _ in range(lines):
            said += await publisher.stdout.readline()
    finally:
        publisher.kill()
        said += await publisher.stdout.read()
        await publisher.wait()
    whole = said[: said.rfind(b"\n")].decode().splitlines()
    assert len(whole) >= lines
    return {line.removeprefix("published ") for line in whole}
