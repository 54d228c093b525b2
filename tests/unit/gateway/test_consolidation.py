"""The gateway consolidates by itself, with the model that is configured for it."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from memoryos_adapters.profiles.adapters import ConfiguredLlm
from memoryos_adapters.settings import ConsolidationSettings, LlmProviderSettings, LlmSettings, Settings
from memoryos_core.consolidation.listing import all_facts
from memoryos_gateway.container import GatewayContainer
from memoryos_gateway.gateway import run_gateway
from tests.support.extractions import finds, scripted, states
from tests.support.makers import ANA, make_event
from tests.unit.gateway.wiring import make_settings, wired

EVENT = make_event("e1", *["I live in Lisbon."] * 4)


def at_once(**changes: object) -> Settings:
    """Return settings that consolidate whatever is there."""
    eager = ConsolidationSettings(heat_threshold=0, quiet_s=0)
    return msgspec.structs.replace(make_settings("embedded"), consolidation=msgspec.structs.replace(eager, **changes))


async def test_what_was_said_becomes_a_fact_in_the_background(tmp_path: Path) -> None:
    async with wired(at_once(), tmp_path) as container, run_gateway(container):
        await container.ingest().accept(EVENT)
        async with asyncio.timeout(20):
            while not await _values(container):  # noqa: ASYNC110 - a loop in the background tells nobody
                await asyncio.sleep(0.05)
        assert await _values(container) == ["Lisbon"]


async def test_switched_off_nothing_is_learnt_but_noted(tmp_path: Path) -> None:
    async with wired(at_once(enabled=False), tmp_path) as container, run_gateway(container):
        await container.ingest().accept(EVENT)
        receipt = await container.ingest().settled(
            EVENT, await container.ingest().receipt(ANA, EVENT.event_id), timeout_s=10
        )
        assert receipt.state == "stored"
        assert len(await container.consolidation().consolidator.claim(limit=1)) == 1


@pytest.mark.parametrize(("local", "is_asked"), [(True, True), (False, False)])
async def test_the_configured_model_reads_sensitive_turns_where_it_is_local(
    local: bool, is_asked: bool, tmp_path: Path
) -> None:
    llm = scripted(finds(states(0, "location", "Lisbon", "I live in Lisbon")))
    provider = LlmProviderSettings(kind="openai", local=local)
    settings = msgspec.structs.replace(at_once(llm="scripted/m"), llm=LlmSettings(providers={"scripted": provider}))
    configured = (ConfiguredLlm(adapter=llm, settings=provider),)
    async with wired(settings, tmp_path, llms=configured) as container:
        await container.admission().apply(msgspec.structs.replace(EVENT, sensitive=True))
        consolidator = container.consolidation().consolidator
        while leases := await consolidator.claim(limit=1):
            await consolidator.work(leases[0])
        assert await _values(container) == ["Lisbon"]
        assert [request.model for request in llm.requests] == (["m"] if is_asked else [])


async def _values(container: GatewayContainer) -> list[str]:
    return [fact.value for fact in await all_facts(container.storage(), ANA)]
