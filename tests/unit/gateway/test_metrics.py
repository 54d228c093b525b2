"""What /metrics tells, and what it never does: nothing that a client can make up becomes a label."""

from pathlib import Path

import msgspec
import pytest

from memoryos_adapters.events.noop import NoopEvents
from memoryos_adapters.metrics import GatewayMetrics, Metrics
from memoryos_adapters.settings import (
    AuthKeySettings,
    AuthSettings,
    LlmProviderSettings,
    LlmSettings,
    Profile,
    RouterSettings,
    RouterTierSettings,
    Settings,
    StorageSettings,
    WorkerSettings,
)
from memoryos_core.routing.plan import Provider, Route
from memoryos_core.routing.usage import Booking
from memoryos_gateway.consuming import make_event_observer
from memoryos_gateway.counted_events import CountedEvents
from memoryos_gateway.usage_log import UsageNotes, named_models
from memoryos_ports.errors import Overloaded
from memoryos_ports.events import Event, Published
from memoryos_ports.ids import TenantId
from memoryos_ports.llm import Usage
from memoryos_ports.outbox import OUTBOX, Held
from tests.contract.events.makers import make_event, make_receipt
from tests.support.extractions import scripted
from tests.unit.gateway.wiring import client_of, make_settings, wired


async def test_requests_are_counted_by_template_and_strangers_together(tmp_path: Path) -> None:
    async with wired(make_settings("noop"), tmp_path) as container, client_of(container) as client:
        await client.get("/v1/memory/events/secret-id", params={"user_id": "ana"})
        await client.get("/secret/path")
        await client.request("SECRET", "/health")
        lines = (await client.get("/metrics")).text.splitlines()

    assert 'memoryos_requests_total{method="GET",path="/v1/memory/events/{event_id}",status="404"} 1.0' in lines
    assert 'memoryos_requests_total{method="GET",path="(unknown)",status="404"} 1.0' in lines
    assert any(line.startswith('memoryos_requests_total{method="(unknown)"') for line in lines)
    assert not [line for line in lines if "secret" in line.lower()]


@pytest.mark.parametrize(
    ("profile", "async_pipeline", "counts"),
    [("embedded", None, True), ("server", None, False), ("server", True, False), ("server", False, True)],
)
def test_only_a_gateway_that_applies_events_exports_the_figures_of_one(
    profile: Profile, async_pipeline: bool | None, counts: bool
) -> None:
    settings = Settings(storage=StorageSettings(profile=profile), worker=WorkerSettings(async_pipeline=async_pipeline))
    metrics = Metrics("memoryos_gateway")

    make_event_observer(settings, metrics)

    assert (b"memoryos_events_in_hand" in metrics.exposition()[0]) == counts


async def test_figures_are_read_without_a_key(tmp_path: Path) -> None:
    keys = (AuthKeySettings(tenant="acme", key_sha256="ab" * 32),)
    settings = msgspec.structs.replace(make_settings("noop"), auth=AuthSettings(keys=keys))
    async with wired(settings, tmp_path) as container, client_of(container) as client:
        assert (await client.get("/v1/models")).status_code == 401
        assert (await client.get("/metrics")).status_code == 200


async def test_a_chat_is_counted_by_what_it_told_of_memory(tmp_path: Path) -> None:
    chat = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    async with wired(make_settings("noop"), tmp_path) as container, client_of(container) as client:
        for stream in (False, True):
            await client.post("/v1/chat/completions", json={**chat, "stream": stream})
        lines = (await client.get("/metrics")).text.splitlines()

    assert 'memoryos_chat_memory_total{state="off"} 2.0' in lines


async def test_what_was_lost_and_what_waits_is_looked_at_in_the_background(tmp_path: Path) -> None:
    async with wired(make_settings("embedded"), tmp_path) as container, client_of(container) as client:
        container.chat_memory()._keeper.lost = 2
        await container.watch().look()
        await container.watch().look()
        lines = (await client.get("/metrics")).text.splitlines()

    assert "memoryos_exchanges_lost_total 2.0" in lines
    assert "memoryos_outbox_length 0.0" in lines


def test_every_model_that_the_configuration_names_is_known() -> None:
    settings = Settings(
        llm=LlmSettings(
            aliases={"fast": "open/swift"},
            providers={
                "far": LlmProviderSettings(kind="openai", models=("a", "b/c")),
                "open": LlmProviderSettings(kind="noop"),
            },
        ),
        router=RouterSettings(tiers=(RouterTierSettings(name="t", models=("open/tier",)),)),
    )
    assert named_models(settings) == {"open/swift", "far/a", "far/b/c", "open/tier"}


def test_tokens_are_counted_by_configured_models_and_others_together() -> None:
    metrics = Metrics("memoryos_gateway")
    notes = UsageNotes(GatewayMetrics(metrics), {"scripted/known"})
    for model in ("known", "made-up-1", "made-up-2"):
        route = Route(tier="default", provider=Provider(adapter=scripted()), model=model)
        usage = Usage(prompt_tokens=3, completion_tokens=2)
        notes(Booking(tenant_id=TenantId("acme"), route=route, usage=usage, outcome="complete", tries=1))

    lines = metrics.exposition()[0].decode().splitlines()
    assert 'memoryos_llm_tokens_total{kind="prompt",model="scripted/known"} 3.0' in lines
    assert 'memoryos_llm_tokens_total{kind="completion",model="scripted/(other)"} 4.0' in lines
    assert not [line for line in lines if "made-up" in line or "acme" in line]


class Log(NoopEvents):
    """A log that answers publications as it is told."""

    def __init__(self, *answers: Published | Exception) -> None:
        self._answers = iter(answers)

    async def publish(self, event: Event) -> Published:
        """Return or raise the next answer."""
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_publications_are_counted_by_where_they_went() -> None:
    event, metrics = make_event(), Metrics("memoryos_gateway")
    receipt = make_receipt(event)
    answers = (
        Published(outcome="new", receipt=receipt),
        Published(outcome="other", receipt=receipt),
        Held(outcome="new", receipt=receipt),
        Held(outcome="same", receipt=receipt),
        Overloaded(OUTBOX),
        Overloaded("event queue"),
    )
    events = CountedEvents(Log(*answers), GatewayMetrics(metrics))

    for answer in answers:
        if isinstance(answer, Exception):
            with pytest.raises(Overloaded):
                await events.publish(event)
        else:
            assert await events.publish(event) is answer

    lines = metrics.exposition()[0].decode().splitlines()
    counted = {
        line for line in lines if line.startswith(("memoryos_published_total{", "memoryos_outbox_refused_total "))
    }
    assert counted == {
        'memoryos_published_total{outcome="new"} 1.0',
        'memoryos_published_total{outcome="other"} 1.0',
        'memoryos_published_total{outcome="outbox"} 1.0',
        'memoryos_published_total{outcome="same"} 1.0',
        "memoryos_outbox_refused_total 1.0",
    }
