"""The registry: from settings to open adapters of every port, closed again in the end."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memoryos_adapters.http import Http, open_http
from memoryos_adapters.llm_kinds import LLM_KINDS, LlmKind
from memoryos_adapters.profiles.adapters import Adapters, Probe
from memoryos_adapters.profiles.llms import make_llm
from memoryos_adapters.profiles.server import inspect
from memoryos_adapters.registry import inspect_servers, open_adapters
from memoryos_adapters.settings import (
    EmbeddingSettings,
    HttpSettings,
    LlmProviderSettings,
    LlmSettings,
    Profile,
    QdrantSettings,
    RedisSettings,
    Settings,
    StorageSettings,
)
from memoryos_ports.clock import Clock
from memoryos_ports.dead_letters import DeadLetters
from memoryos_ports.documents import DocumentStore
from memoryos_ports.due import DueSet
from memoryos_ports.embedding import Embedder, EmbedderStamp
from memoryos_ports.errors import ConfigurationError, EmbedderMismatch, UpstreamUnavailable
from memoryos_ports.events import EventLog
from memoryos_ports.llm import LlmAdapter
from memoryos_ports.locks import Locks
from memoryos_ports.memory import MemoryStorage
from memoryos_ports.outbox import Held, Outbox, OutboxState
from memoryos_ports.short_term import ShortTermStore
from tests.support.makers import make_event
from tests.unit.adapters.certificates import TestAuthority
from tests.unit.adapters.little_servers import answering, http_answer

PORTS = {
    "clock": Clock,
    "short_term": ShortTermStore,
    "events": EventLog,
    "documents": DocumentStore,
    "storage": MemoryStorage,
    "embedder": Embedder,
    "due": DueSet,
    "dead_letters": DeadLetters,
    "locks": Locks,
    "outbox": Outbox,
}


def _settings(profile: Profile = "embedded", **changes: Any) -> Settings:
    return Settings(storage=StorageSettings(profile=profile), embedding=EmbeddingSettings(kind="hashed"), **changes)


def _absent_servers() -> Settings:
    storage = StorageSettings(
        profile="server",
        redis=RedisSettings(url="redis://127.0.0.1:1/0"),
        qdrant=QdrantSettings(url="http://127.0.0.1:1"),
    )
    return Settings(storage=storage, embedding=EmbeddingSettings(kind="hashed"))


def _ports_of(adapters: Adapters) -> Iterator[tuple[str, bool]]:
    for name, port in PORTS.items():
        yield name, isinstance(getattr(adapters, name), port)


@pytest.mark.parametrize("profile", ["embedded", "noop"])
async def test_every_profile_has_an_adapter_of_every_port(tmp_path: Path, profile: Profile) -> None:
    async with open_adapters(_settings(profile), database=tmp_path / "db", index=tmp_path / "index") as adapters:
        assert dict(_ports_of(adapters)) == dict.fromkeys(PORTS, True)
        assert all(isinstance(llm.adapter, LlmAdapter) for llm in adapters.llms)


async def test_the_embedded_profile_probes_its_stores_and_closes_them(tmp_path: Path) -> None:
    async with open_adapters(_settings(), database=tmp_path / "db", index=tmp_path / "index") as adapters:
        probes = dict(adapters.probes)
        for probe in probes.values():
            assert probe is not None
            await probe()

    assert set(probes) == {"sqlite", "qdrant-edge"}
    for probe in probes.values():
        assert probe is not None
        with pytest.raises(UpstreamUnavailable):
            await probe()


async def test_the_noop_profile_writes_nothing_and_bypasses_memory(tmp_path: Path) -> None:
    async with open_adapters(_settings("noop"), database=tmp_path / "db", index=tmp_path / "index") as adapters:
        assert dict(adapters.probes) == {"memory": None}

    assert os.listdir(tmp_path) == []


async def test_without_a_provider_the_noop_llm_answers(tmp_path: Path) -> None:
    async with open_adapters(_settings("noop"), database=tmp_path / "db", index=tmp_path / "index") as adapters:
        assert [(llm.adapter.name, llm.settings.kind) for llm in adapters.llms] == [("noop", "noop")]


async def test_every_configured_provider_is_made_under_its_name(tmp_path: Path) -> None:
    providers = {
        "house": LlmProviderSettings(kind="openai", base_url="http://127.0.0.1:1/v1"),
        "none": LlmProviderSettings(kind="noop"),
    }
    settings = _settings("noop", llm=LlmSettings(providers=providers, default_provider="house"))

    async with open_adapters(settings, database=tmp_path / "db", index=tmp_path / "index") as adapters:
        assert [(llm.adapter.name, llm.settings) for llm in adapters.llms] == list(providers.items())


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    """Outgoing HTTP that nobody uses."""
    async with open_http() as http:
        yield http


@pytest.mark.parametrize("kind", LLM_KINDS)
def test_every_kind_leads_to_an_adapter_with_the_providers_name(http: Http, kind: str) -> None:
    settings = LlmProviderSettings(kind=kind, base_url="http://127.0.0.1:1")

    adapter = make_llm(LLM_KINDS[kind], "mine", settings, http)

    assert isinstance(adapter, LlmAdapter)
    assert adapter.name == "mine"


def test_a_kind_that_leads_to_something_else_is_refused(http: Http) -> None:
    settings = LlmProviderSettings(kind="openai", base_url="http://127.0.0.1:1")

    with pytest.raises(TypeError, match=r"^call:Provider makes no LlmAdapter$"):
        make_llm(LlmKind("call:Provider"), "mine", settings, http)


@pytest.mark.parametrize("profile", ["embedded", "noop"])
async def test_a_kind_that_does_not_exist_is_named(tmp_path: Path, profile: Profile) -> None:
    settings = _settings(profile, llm=LlmSettings(providers={"mine": LlmProviderSettings(kind="unheard_of")}))

    with pytest.raises(ConfigurationError, match=r"llm\.providers\.mine\.kind: .* not available in this version"):
        async with open_adapters(settings, database=tmp_path / "db", index=tmp_path / "index"):
            pass


async def test_the_server_profile_opens_while_every_server_is_absent(tmp_path: Path) -> None:
    async with open_adapters(_absent_servers(), outbox=tmp_path / "outbox.sqlite3") as adapters:
        assert dict(_ports_of(adapters)) == dict.fromkeys(PORTS, True)
        probes = dict(adapters.probes)
        await _probed(probes.pop("outbox"))
        assert set(probes) == {"redis", "qdrant"}
        for probe in probes.values():
            with pytest.raises(UpstreamUnavailable):
                await _probed(probe)
        assert isinstance(await adapters.events.publish(make_event()), Held)
        assert await adapters.outbox.state() == OutboxState(waiting=1)


async def _probed(probe: Probe | None) -> None:
    assert probe is not None
    await probe()


async def test_without_an_outbox_what_cannot_be_published_is_refused() -> None:
    async with open_adapters(_absent_servers()) as adapters:
        with pytest.raises(UpstreamUnavailable):
            await adapters.events.publish(make_event())
        assert await adapters.outbox.state() == OutboxState(waiting=0)


async def test_an_embedder_outside_without_dimensions_needs_an_index_or_an_answer() -> None:
    embedding = EmbeddingSettings(kind="openai", base_url="http://127.0.0.1:1/v1", model="m")

    with pytest.raises(UpstreamUnavailable):
        async with open_adapters(msgspec.structs.replace(_absent_servers(), embedding=embedding)):
            pass


async def test_both_looks_at_the_server_before_it_is_used_trust_the_configured_authorities(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    async with answering(_a_qdrant, context=authority.server_context("localhost")) as server:
        qdrant = QdrantSettings(url=f"https://localhost:{server.port}")
        storage = msgspec.structs.replace(_absent_servers().storage, qdrant=qdrant)
        embedding = EmbeddingSettings(kind="openai", base_url="http://127.0.0.1:1/v1", model="m")
        settings = Settings(storage=storage, embedding=embedding, http=HttpSettings(ca_file=str(authority.ca_file)))
        _, version, _ = await inspect(storage, ca_file=settings.http.ca_file)
        assert (version.ok, version.detail) == (True, "1.19.0")
        async with open_adapters(settings) as adapters:
            assert adapters.embedder.stamp == EmbedderStamp(name="openai:m", dimensions=3)


def _a_qdrant(target: str) -> bytes:
    """Answer as a server whose collection holds vectors of ``openai:m``."""
    config = {"metadata": {"memoryos": {"embedder": "openai:m", "dimensions": 3}}}
    return http_answer(msgspec.json.encode({"version": "1.19.0"} if target == "/" else {"result": {"config": config}}))


async def test_a_collection_of_somebody_else_is_remarked_upon() -> None:
    def foreign(target: str) -> bytes:
        return http_answer(msgspec.json.encode({"version": "1.19.0"} if target == "/" else {"result": {"config": {}}}))

    async with answering(foreign) as server:
        qdrant = QdrantSettings(url=f"http://localhost:{server.port}", collection="notes")
        *_, remark = await inspect(msgspec.structs.replace(_absent_servers().storage, qdrant=qdrant))

    assert (remark.check, remark.ok) == ("qdrant collection", False)
    assert "storage.qdrant.collection: 'notes'" in remark.detail


async def test_authorities_that_cannot_be_read_are_remarked_upon(tmp_path: Path) -> None:
    storage = msgspec.structs.replace(_absent_servers().storage, qdrant=QdrantSettings(url="https://localhost:1"))

    remarks = await inspect(storage, ca_file=str(tmp_path / "gone.pem"))

    assert [(remark.check, remark.ok) for remark in remarks] == [("redis durability", False), ("qdrant version", False)]


async def test_servers_that_are_absent_are_remarked_upon() -> None:
    remarks = await inspect_servers(_absent_servers())

    assert [(remark.check, remark.ok) for remark in remarks] == [("redis durability", False), ("qdrant version", False)]


@pytest.mark.parametrize("profile", ["embedded", "noop"])
async def test_of_a_profile_without_servers_there_is_nothing_to_say(profile: Profile) -> None:
    assert await inspect_servers(_settings(profile)) == []


async def test_the_embedded_profile_does_not_open_without_its_files() -> None:
    with pytest.raises(ValueError, match="needs a database and an index"):
        async with open_adapters(_settings()):
            pass


async def test_an_embedder_that_runs_here_has_no_probe(tmp_path: Path) -> None:
    settings = Settings(storage=StorageSettings(profile="noop"), embedding=EmbeddingSettings(kind="static"))

    async with open_adapters(settings, database=tmp_path / "db", index=tmp_path / "index") as adapters:
        assert adapters.embedder.stamp == EmbedderStamp(name="static-minilm-v1", dimensions=256)
        assert adapters.embedder.local
        assert "embedder" not in adapters.probes


async def test_an_index_tells_the_dimensions_of_an_embedder_that_is_down(tmp_path: Path) -> None:
    embedding = EmbeddingSettings(kind="openai", base_url="http://127.0.0.1:1/v1", model="m", local=True)
    index = tmp_path / "index"
    index.mkdir()
    (index / "stamp.json").write_text('{"name": "openai:m", "dimensions": 3}')

    async with open_adapters(Settings(embedding=embedding), database=tmp_path / "db", index=index) as adapters:
        assert adapters.embedder.stamp == adapters.storage.stamp == EmbedderStamp(name="openai:m", dimensions=3)
        assert adapters.embedder.local
        probe = adapters.probes["embedder"]
        assert probe is not None
        await probe()


async def test_an_index_of_another_embedder_is_not_opened(tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    (index / "stamp.json").write_text('{"name": "another", "dimensions": 3}')

    with pytest.raises(EmbedderMismatch):
        async with open_adapters(_settings(), database=tmp_path / "db", index=index):
            pass
