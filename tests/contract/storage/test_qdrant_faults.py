"""A Qdrant server under faults: only errors of ours come out, and it is back as soon as it is back."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from memoryos_adapters.settings import QdrantSettings, Secret
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import EmbedderMismatch, UpstreamProtocolError, UpstreamTimeout, UpstreamUnavailable
from memoryos_ports.memory import MemoryStorage
from tests.contract.storage.indexes import ANN, EAST, NORTH, STAMP, find, make_entry, make_page, make_query
from tests.support.qdrant_facade.process import QdrantFacade, running_facade

PAGE = make_page("e")
KEY = Secret("s3cret")

CALLS: dict[str, Callable[[MemoryStorage], Awaitable[object]]] = {
    "insert": lambda memory: memory.insert([make_entry(make_page("new"), NORTH)]),
    "delete": lambda memory: memory.delete(ANN, [PAGE.id]),
    "put": lambda memory: memory.put([make_entry(PAGE, NORTH)]),
    "supersede": lambda memory: memory.supersede(ANN, [PAGE.id]),
    "erase": lambda memory: memory.erase(ANN),
    "search": lambda memory: memory.search(make_query("tea", vector=NORTH)),
    "get": lambda memory: memory.get(ANN, [PAGE.id]),
    "list_memories": lambda memory: memory.list_memories(ANN, limit=1),
    "count": lambda memory: memory.count(ANN),
    "ping": lambda memory: memory.ping(),
}


@pytest.fixture(scope="module")
def own_facade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QdrantFacade]:
    """A facade with a key, which the tests of this module kill as they like; each leaves it running."""
    with running_facade(tmp_path_factory.mktemp("own"), api_key=KEY.reveal()) as running:
        yield running


@pytest.fixture
def settings(own_facade: QdrantFacade, tmp_path: Path) -> QdrantSettings:
    """A collection of the test's own."""
    return QdrantSettings(url=own_facade.url, api_key=KEY, collection=tmp_path.name)


async def test_a_server_that_is_gone_is_unavailable_and_one_that_is_back_works(
    own_facade: QdrantFacade, settings: QdrantSettings
) -> None:
    async with QdrantMemory.open(settings, STAMP) as memory:
        await memory.insert([make_entry(PAGE, NORTH, EAST)])
        own_facade.kill()
        for call in CALLS.values():
            with pytest.raises(UpstreamUnavailable) as caught:
                await call(memory)
            assert caught.value.__cause__ is not None

        own_facade.start()
        assert await memory.get(ANN, [PAGE.id]) == [PAGE]
        assert await find(memory, "tea", vector=EAST) == {"e"}
        await memory.ping()


async def test_an_absent_server_does_not_hinder_the_start(own_facade: QdrantFacade, settings: QdrantSettings) -> None:
    own_facade.kill()
    async with QdrantMemory.open(settings, STAMP) as memory:
        with pytest.raises(UpstreamUnavailable):
            await memory.ping()

        own_facade.start()
        assert await memory.insert([make_entry(PAGE, NORTH)]) == []
        assert await find(memory, "tea", vector=NORTH) == {"e"}


async def test_another_embedders_index_that_is_found_later_refuses_every_call(
    own_facade: QdrantFacade, settings: QdrantSettings
) -> None:
    async with QdrantMemory.open(settings, EmbedderStamp(name="other", dimensions=4)):
        own_facade.kill()
    async with QdrantMemory.open(settings, STAMP) as memory:
        own_facade.start()
        for name, call in CALLS.items():
            with pytest.raises(UpstreamProtocolError if name == "ping" else EmbedderMismatch, match="other/4"):
                await call(memory)


async def test_a_server_that_is_killed_amid_calls_loses_nothing_that_was_acknowledged(
    own_facade: QdrantFacade, settings: QdrantSettings
) -> None:
    pages = [make_page(f"e{number}") for number in range(400)]
    acknowledged: list[str] = []
    async with QdrantMemory.open(settings, STAMP) as memory:

        async def insert(number: int) -> None:
            await memory.insert([make_entry(pages[number], NORTH, EAST)])
            acknowledged.append(pages[number].id)
            if len(acknowledged) == 50:
                own_facade.kill()

        async with asyncio.timeout(30):
            told = await asyncio.gather(*map(insert, range(len(pages))), return_exceptions=True)
        own_facade.start()

        assert {type(error) for error in told if error is not None} == {UpstreamUnavailable}
        stored = {page.id for page in await memory.get(ANN, [page.id for page in pages])}
        assert {*acknowledged} <= stored
        assert 50 <= len(acknowledged) < len(pages)
        await memory.insert([make_entry(page, NORTH, EAST) for page in pages])
        assert await memory.count(ANN) == len(pages)


async def test_a_server_that_does_not_answer_in_time_is_a_time_out(
    own_facade: QdrantFacade, settings: QdrantSettings
) -> None:
    impatient = QdrantSettings(url=settings.url, api_key=KEY, collection=settings.collection, timeout_s=0.2)
    async with QdrantMemory.open(settings, STAMP), QdrantMemory.open(impatient, STAMP) as memory:
        own_facade.send(signal.SIGSTOP)
        try:
            async with asyncio.timeout(10):
                for name in ("insert", "search", "ping"):
                    with pytest.raises(UpstreamTimeout):
                        await CALLS[name](memory)
        finally:
            own_facade.send(signal.SIGCONT)

    async with QdrantMemory.open(settings, STAMP) as memory:
        await memory.ping()


@pytest.mark.parametrize("key", [None, Secret("wrong")], ids=["none", "wrong"])
async def test_without_the_right_key_it_is_unavailable_until_somebody_mends_that(
    settings: QdrantSettings, key: Secret | None
) -> None:
    """Unavailable, not refused for good: what waits to be stored must go on waiting."""
    stranger = QdrantSettings(url=settings.url, api_key=key, collection=settings.collection)
    async with QdrantMemory.open(stranger, STAMP) as memory:
        for call in CALLS.values():
            with pytest.raises(UpstreamUnavailable, match="API key") as caught:
                await call(memory)
            assert "wrong" not in str(caught.value)
            assert caught.value.status == 401


async def test_a_server_that_ends_in_order_keeps_everything(own_facade: QdrantFacade, settings: QdrantSettings) -> None:
    async with QdrantMemory.open(settings, STAMP) as memory:
        await memory.insert([make_entry(PAGE, NORTH)])
        assert own_facade.stop() == 0
        own_facade.start()

        assert await memory.get(ANN, [PAGE.id]) == [PAGE]
