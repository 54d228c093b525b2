"""What an answer acknowledges when memory is slow, full or down: chat goes on, and never claims what is not durable."""

import asyncio
import contextlib
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from dependency_injector import providers

from memoryos_adapters.settings import LlmProviderSettings, LlmSettings, MemorySettings
from memoryos_gateway.container import GatewayContainer
from memoryos_ports.errors import Overloaded, StorageFull, UpstreamUnavailable
from tests.service.chat.person import Person, assistant, memory_report, parts_added
from tests.support.fake_upstream import FakeUpstream
from tests.support.faults import Faults, faulty
from tests.support.gateway import make_settings, wired_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOSSES = [
    pytest.param(UpstreamUnavailable(upstream="sqlite"), id="down"),
    pytest.param(StorageFull("sqlite"), id="disk full"),
    pytest.param(Overloaded("queue"), id="queue full"),
]


@pytest.fixture(scope="module")
def shared_faults() -> Faults:
    """The switch of the gateway's stores."""
    return Faults()


@pytest.fixture
def faults(shared_faults: Faults) -> Iterator[Faults]:
    """The switch, mended before and after."""
    shared_faults.mend()
    yield shared_faults
    shared_faults.mend()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the gateway keeps its data."""
    return tmp_path_factory.mktemp("acknowledgement")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway_url(data_dir: Path, shared_faults: Faults, shared_model: FakeUpstream) -> AsyncIterator[str]:
    """A gateway whose stores can be made to fail, with the real limits on what chats wait for."""

    def wire(container: GatewayContainer) -> None:
        for slot in (container.events, container.documents, container.storage, container.short_term):
            slot.override(providers.Object(faulty(slot(), shared_faults)))

    provider = LlmProviderSettings(kind="openai", base_url=shared_model.base_url)
    settings = make_settings(
        data_dir, llm=LlmSettings(providers={"fake": provider}), memory=MemorySettings(recall_timeout_ms=200)
    )
    async with wired_gateway(settings, wire=wire) as gateway:
        yield gateway.url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_model() -> AsyncIterator[FakeUpstream]:
    """The provider."""
    async with FakeUpstream() as model:
        yield model


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for plain requests."""
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def model(shared_model: FakeUpstream) -> FakeUpstream:
    """The provider, without memory of other tests."""
    shared_model.forget()
    return shared_model


@pytest.fixture
def person(session: aiohttp.ClientSession, gateway_url: str, faults: Faults) -> Person:
    """Somebody of whom nothing is remembered."""
    name = f"u-{uuid.uuid4().hex}"
    return Person(session, gateway_url, name, headers={"x-user-id": name})


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Keep every other connection from writing, as a backup or a slow disk does."""
    (database,) = data_dir.glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def assert_not_acknowledged(answer_headers: dict[str, str], state: str) -> None:
    """Check that a whole answer does not claim to be stored."""
    assert "x-memoryos-event" not in answer_headers
    assert state == "degraded"


async def test_a_slow_store_is_not_waited_for_and_stores_later(person: Person, data_dir: Path) -> None:
    with locked(data_dir):
        answer = await person.chat("I like tea")
        assert (answer.status, answer.json["choices"][0]["message"]["content"]) == (200, "Hello!")
        assert_not_acknowledged(answer.headers, memory_report(answer)["state"])
    await person.will_remember(("user", "I like tea"), ("assistant", "Hello!"))


async def test_a_stream_on_a_slow_store_says_so_before_done(person: Person, data_dir: Path) -> None:
    with locked(data_dir):
        answer = await person.chat("I like tea", stream=True)
        assert answer.status == 200
        assert answer.events[-2:] == [": memory not stored", "data: [DONE]"]
        assert answer.chunks[-1]["choices"][0]["finish_reason"] == "stop"
    await person.will_remember(("user", "I like tea"), ("assistant", "Hello!"))


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_whole_answer_does_not_acknowledge_a_loss(person: Person, faults: Faults, loss: Exception) -> None:
    faults.fail("publish", error=loss)
    answer = await person.chat("I like tea")
    assert (answer.status, answer.json["choices"][0]["message"]["content"]) == (200, "Hello!")
    assert_not_acknowledged(answer.headers, memory_report(answer)["state"])
    assert await person.remembered() == []


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_stream_does_not_acknowledge_a_loss(person: Person, faults: Faults, loss: Exception) -> None:
    faults.fail("publish", error=loss)
    answer = await person.chat("I like tea", stream=True)
    assert answer.status == 200
    assert answer.events[-2:] == [": memory not stored", "data: [DONE]"]
    assert (await person.event(answer.headers["x-memoryos-event"])).status == 404


async def test_what_was_lost_is_new_when_it_comes_back_as_history(person: Person, faults: Faults) -> None:
    faults.fail("publish")
    await person.chat("I like tea")
    faults.mend()
    await person.chat("I like tea", assistant("Hello!"), "And cake")
    expected = [("user", "I like tea"), ("assistant", "Hello!"), ("user", "And cake"), ("assistant", "Hello!")]
    await person.will_remember(*expected)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_slow_recall_is_given_up(person: Person, faults: Faults, model: FakeUpstream, stream: bool) -> None:
    await person.chat("I like green tea", headers={"x-session-id": "before"})
    await person.will_remember(("user", "I like green tea"), ("assistant", "Hello!"))
    faults.hang("search", "latest")
    async with asyncio.timeout(10):
        answer = await person.chat("Do I like green tea?", headers={"x-session-id": "now"}, stream=stream)
    assert answer.status == 200
    report = memory_report(answer)
    assert (report["state"], report["recalled"], report["tokens"]) == ("degraded", "0", "0")
    assert parts_added(model.requests[-1].json) == []


@pytest.mark.parametrize("methods", [("search",), ("unindexed",), ("search", "unindexed")])
async def test_a_recall_that_fails_degrades(person: Person, faults: Faults, methods: tuple[str, ...]) -> None:
    faults.fail(*methods)
    answer = await person.chat("Do I like green tea?")
    assert answer.status == 200
    assert memory_report(answer)["state"] == "degraded"


async def test_turns_that_are_not_indexed_are_recalled_while_the_index_is_down(
    person: Person, faults: Faults, model: FakeUpstream
) -> None:
    faults.fail("search", "insert")
    await person.chat("I like green tea", headers={"x-session-id": "before"})
    answer = await person.chat("Do I like green tea?", headers={"x-session-id": "now"})
    assert memory_report(answer)["state"] == "degraded"
    assert "I like green tea" in parts_added(model.requests[-1].json)[0]


@pytest.mark.parametrize("headers", [{}, {"x-session-id": "now"}], ids=["no session", "a session"])
async def test_turns_that_were_indexed_before_are_recalled_while_the_index_is_down(
    person: Person, faults: Faults, model: FakeUpstream, headers: dict[str, str]
) -> None:
    await person.chat("I like green tea", headers={"x-session-id": "before"})
    await person.will_remember(("user", "I like green tea"), ("assistant", "Hello!"))
    faults.fail("search", "insert")
    answer = await person.chat("Do I like green tea?", headers=headers)
    assert (memory_report(answer)["state"], memory_report(answer)["recalled"]) == ("degraded", "1")
    assert "I like green tea" in parts_added(model.requests[-1].json)[0]


async def test_an_exchange_whose_session_could_not_be_looked_up_is_remembered_all_the_same(
    person: Person, faults: Faults, model: FakeUpstream
) -> None:
    faults.fail("get")
    async with asyncio.timeout(10):
        asking = asyncio.create_task(person.chat("I like tea without a session"))
        while b"without a session" not in (await model.next_request()).body:
            pass  # what earlier tests asked
        faults.mend()
        answer = await asking
    assert memory_report(answer)["state"] == "degraded"
    await person.will_remember(("user", "I like tea without a session"), ("assistant", "Hello!"))


async def test_everything_down_is_still_a_chat(person: Person, faults: Faults) -> None:
    faults.fail("*")
    answer = await person.chat("Hi")
    assert (answer.status, answer.json["choices"][0]["message"]["content"]) == (200, "Hello!")
    assert_not_acknowledged(answer.headers, memory_report(answer)["state"])
    streamed = await person.chat("Hi", stream=True)
    assert streamed.events[-2:] == [": memory not stored", "data: [DONE]"]
