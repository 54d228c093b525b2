"""The leases of a process that was killed: whoever opens its data directory next has them back at once."""

from pathlib import Path

from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import EmbeddingSettings, Settings
from tests.support.makers import ANA, BOB

SETTINGS = Settings(embedding=EmbeddingSettings(kind="hashed"))


async def test_what_a_killed_process_had_claimed_is_due_when_the_directory_is_opened_again(tmp_path: Path) -> None:
    database, index = tmp_path / "memoryos.db", tmp_path / "index"
    async with open_adapters(SETTINGS, database=database, index=index) as first:
        await first.due.add(ANA, at=first.clock.now())
        (held,) = await first.due.claim(limit=9, lease_s=300.0)  # and never finished, as after a kill
        await first.due.add(BOB, at=held.until)
    async with open_adapters(SETTINGS, database=database, index=index) as second:
        assert not await second.due.holds(held)
        (again,) = await second.due.claim(limit=9, lease_s=300.0)
        assert (again.scope, again.fence > held.fence) == (ANA, True)
        await second.due.finish(again)
        assert await second.due.claim(limit=9, lease_s=300.0) == []
