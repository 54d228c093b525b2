"""What an operator asks on the server profile: the doctor, the outbox, whether a gateway lives, and a user's data."""

from pathlib import Path

import msgspec

from memoryos_adapters.settings import RedisSettings, Settings
from memoryos_gateway.doctor import Finding, examine
from memoryos_gateway.outbox_command import count_waiting
from memoryos_gateway.transfer import Whose, export_user, forget_user, import_file
from tests.service.server_profile.conftest import memory_of
from tests.support.process import run_command
from tests.support.server_profile import Servers, running_worker


def on_redis(settings: Settings, **changes: object) -> Settings:
    """Return the settings with others of Redis."""
    redis: RedisSettings = msgspec.structs.replace(settings.storage.redis, **changes)
    return msgspec.structs.replace(settings, storage=msgspec.structs.replace(settings.storage, redis=redis))


async def test_the_doctor_tells_what_the_servers_are(settings: Settings) -> None:
    async with memory_of(settings):
        pass
    findings = {finding.check: finding for finding in await examine(settings)}

    assert all(finding.ok and not finding.warning for finding in findings.values())
    assert findings["redis durability"].detail == "appendonly yes, appendfsync always, maxmemory-policy noeviction"
    assert findings["redis version"].detail
    assert findings["qdrant version"].detail
    assert findings["qdrant collection"].detail.startswith(f"{settings.storage.qdrant.collection}: 0 points of hashed")
    assert {"redis", "qdrant", "embedder"} <= set(findings)


async def test_the_doctor_warns_of_a_redis_that_may_forget(servers: Servers, settings: Settings) -> None:
    servers.cli(settings, "CONFIG", "SET", "appendfsync", "everysec")
    try:
        findings = {finding.check: finding for finding in await examine(on_redis(settings, wait_replicas=1))}
    finally:
        servers.cli(settings, "CONFIG", "SET", "appendfsync", "always")

    durability, replicas = findings["redis durability"], findings["redis replicas"]
    assert (durability.ok, durability.warning) == (True, True)
    assert durability.detail.endswith("can be lost without appendfsync always")
    assert replicas == Finding(
        check="redis replicas", ok=True, detail="0 connected, storage.redis.wait_replicas is 1", warning=True
    )


async def test_the_doctor_finds_servers_that_are_down(servers: Servers, settings: Settings) -> None:
    with servers.without_qdrant(), servers.without_redis():
        findings = await examine(settings)

    assert {finding.check for finding in findings if not finding.ok} == {"redis", "qdrant"}
    assert {finding.check for finding in findings if finding.warning} == {"redis durability", "qdrant version"}


async def test_the_doctor_asks_the_gateway_that_holds_the_directory(settings: Settings) -> None:
    async with memory_of(settings):
        findings = await examine(settings)

    assert findings[-2].detail.startswith("held by process")
    assert findings[-1].detail.endswith("is fully_operational: redis up, qdrant up, outbox up; 0 events in the outbox")


async def test_the_outbox_is_counted_and_emptied_without_a_gateway(servers: Servers, settings: Settings) -> None:
    with servers.without_redis():
        async with memory_of(settings) as memory:
            for number in range(3):
                await memory.post_add(f"tea {number}", event_id=f"e{number}")
        assert await count_waiting(settings, wait_s=None) == 3
        assert await count_waiting(settings, wait_s=0) == 3

    assert await count_waiting(settings, wait_s=20) == 0
    async with memory_of(settings) as memory, running_worker(settings):
        assert (await memory.add("tea 0", event_id="e0"))["state"] == "stored"


async def test_the_command_outbox_asks_the_gateway_that_serves(servers: Servers, settings: Settings) -> None:
    redis = settings.storage.redis.url
    flags = ["--data-dir", settings.data_dir, "--set", "storage.profile=server", "--set", f"storage.redis.url={redis}"]
    cwd = Path(settings.data_dir).parent
    async with memory_of(settings) as memory:
        with servers.without_redis():
            await memory.post_add("green tea")
            counted = await run_command("memoryos_gateway", "outbox", "--json", *flags, cwd=cwd)
            waited = await run_command("memoryos_gateway", "outbox", "--wait", "0", *flags, cwd=cwd)
        emptied = await run_command("memoryos_gateway", "outbox", "--wait", "20", *flags, cwd=cwd)
        url = str(memory.client.base_url)
        lives = await run_command("memoryos_gateway", "health", "--url", url, cwd=cwd)
        is_ready = await run_command("memoryos_gateway", "health", "--ready", "--url", url, cwd=cwd)
    gone = await run_command("memoryos_gateway", "health", "--url", url, cwd=cwd)

    assert (counted.code, counted.stdout) == (0, '{"waiting":1}\n')
    assert (waited.code, waited.stdout) == (1, "1 events wait in the outbox\n")
    assert (emptied.code, emptied.stdout) == (0, "0 events wait in the outbox\n")
    assert (lives.code, is_ready.code, gone.code) == (0, 0, 1)


async def test_a_users_data_go_out_come_in_and_are_erased(settings: Settings, tmp_path: Path) -> None:
    async with memory_of(settings) as memory, running_worker(settings):
        await memory.add("green tea")
    file, whose = tmp_path / "ana.ndjson", Whose(user_id="ana")

    assert await export_user(settings, whose, file) > 1
    assert (await forget_user(settings, whose))["state"] == "complete"
    assert (await import_file(settings, whose, file))["faulty"] == 0

    async with memory_of(settings) as memory:
        assert await memory.texts() == ["green tea"]
