"""The health routes: what they say when all is well, when a store is down, and while the process is no use."""

from pathlib import Path
from types import MappingProxyType

from memoryos_ports.errors import UpstreamUnavailable
from tests.unit.gateway.wiring import client_of, make_settings, wired


class Store:
    """Something to probe that is up or down as it is told."""

    def __init__(self) -> None:
        self.is_up = True

    async def ping(self) -> None:
        """Answer, or say that nobody does."""
        if not self.is_up:
            raise UpstreamUnavailable(upstream="store", detail="refused")


async def test_all_is_well(tmp_path: Path) -> None:
    async with wired(make_settings("embedded"), tmp_path) as container, client_of(container) as client:
        health = container.health()
        await health.check()
        health.set_serving(True)

        status = (await client.get("/health/status")).json()
        ready = await client.get("/health/ready")
        live = [(await client.get(path)).json()["status"] for path in ("/health", "/health/live")]

    assert status["mode"] == "fully_operational"
    assert status["dependencies"] == {"sqlite": "up", "qdrant-edge": "up"}
    assert status["timestamp"].endswith("Z")
    assert (ready.status_code, ready.json()["status"]) == (200, "fully_operational")
    assert live == ["ok", "ok"]


async def test_bypassed_by_configuration_does_not_degrade(tmp_path: Path) -> None:
    async with wired(make_settings("noop"), tmp_path) as container, client_of(container) as client:
        await container.health().check()
        container.health().set_serving(True)

        status = (await client.get("/health/status")).json()

    assert (status["mode"], status["dependencies"]) == ("fully_operational", {"memory": "bypassed"})


async def test_a_store_that_is_down_degrades_until_it_is_back(tmp_path: Path) -> None:
    store = Store()
    probes = MappingProxyType({"store": store.ping, "other": Store().ping, "unused": None})
    async with wired(make_settings("noop"), tmp_path, probes=probes) as container, client_of(container) as client:
        health = container.health()
        health.set_serving(True)

        store.is_up = False
        await health.check()
        degraded = (await client.get("/health/status")).json()
        ready = await client.get("/health/ready")
        store.is_up = True
        await health.check()
        recovered = (await client.get("/health/status")).json()

    assert degraded["mode"] == "degraded"
    assert degraded["dependencies"] == {"store": "down", "other": "up", "unused": "bypassed"}
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert recovered["mode"] == "fully_operational"
    assert recovered["timestamp"] > degraded["timestamp"]


async def test_starting_and_draining_are_not_ready_but_alive(tmp_path: Path) -> None:
    async with wired(make_settings("noop"), tmp_path) as container, client_of(container) as client:
        await container.health().check()
        starting = await client.get("/health/ready")
        container.health().set_serving(True)
        container.health().set_serving(False)
        draining = await client.get("/health/ready")
        live = await client.get("/health/live")

    for response in (starting, draining):
        assert (response.status_code, response.json()["status"]) == (503, "not_ready")
    assert live.status_code == 200


async def test_the_root_says_what_this_is(tmp_path: Path) -> None:
    async with wired(make_settings("noop"), tmp_path) as container, client_of(container) as client:
        about = (await client.get("/")).json()

        assert about["name"] == "MemoryOS gateway"
        assert (await client.get(about["openapi"])).status_code == 200
        assert (await client.get(about["health"])).status_code == 200
        assert (await client.get(f"{about['openai_base_url']}/models")).status_code == 200
