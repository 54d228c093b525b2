"""A server, or a proxy before it, that does not take a request: the one whose fault it is fails, and nobody else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import EmbedderMismatch, UpstreamProtocolError, UpstreamRejected
from tests.contract.storage.conftest import drop
from tests.contract.storage.indexes import ANN, NORTH, STAMP, collection_of, find, ids_of, make_entry, make_page
from tests.support.qdrant_facade.process import QdrantFacade

Refusal = Callable[[web.Request, bytes], int | None]


@pytest.fixture
def collection(facade: QdrantFacade, tmp_path: Path) -> Iterator[str]:
    """A collection of the test's own, which nobody has made yet."""
    yield collection_of(tmp_path)
    drop(facade.url, tmp_path)


@asynccontextmanager
async def behind(url: str, refusal: Refusal) -> AsyncIterator[str]:
    """Serve what another server does, but for requests that `refusal` has a status for; yield the address."""
    async with ClientSession() as session:

        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            if (status := refusal(request, body)) is not None:
                return web.json_response({"status": {"error": "Wrong input"}, "time": 0}, status=status)
            async with session.request(
                request.method, url + request.path_qs, data=body, headers={"content-type": "application/json"}
            ) as answer:
                return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")

        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def poisoned(status: int) -> Refusal:
    """Return a refusal of whatever holds a word."""
    return lambda _, body: status if b"poison" in body else None


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_of_inserts_that_share_a_round_trip_one_is_rejected(
    facade: QdrantFacade, collection: str, status: int
) -> None:
    pages = [make_page(f"e{number}", "poison" if number == 7 else "green tea") for number in range(20)]
    async with (
        behind(facade.url, poisoned(status)) as url,
        QdrantMemory.open(QdrantSettings(url=url, collection=collection), STAMP) as memory,
        asyncio.timeout(30),
    ):
        inserts = (memory.insert([make_entry(page, NORTH, NORTH)]) for page in pages)
        told = await asyncio.gather(*inserts, return_exceptions=True)

        (rejected,) = [error for error in told if isinstance(error, BaseException)]
        assert isinstance(rejected, UpstreamRejected)
        assert (rejected.status, rejected.reason, rejected.retryable) == (status, "Wrong input", False)
        assert await memory.get(ANN, ids_of(pages)) == [page for page in pages if page.text != "poison"]


async def test_a_search_that_is_not_taken_is_rejected(facade: QdrantFacade, collection: str) -> None:
    def refusal(request: web.Request, _: bytes) -> int | None:
        return 400 if request.path.endswith("/query/batch") else None

    async with (
        behind(facade.url, refusal) as url,
        QdrantMemory.open(QdrantSettings(url=url, collection=collection), STAMP) as memory,
    ):
        with pytest.raises(UpstreamRejected):
            await find(memory, "tea", vector=NORTH)


@pytest.mark.parametrize("status", [405, 409])
async def test_what_says_nothing_of_the_request_is_no_rejection(
    facade: QdrantFacade, collection: str, status: int
) -> None:
    async with (
        behind(facade.url, poisoned(status)) as url,
        QdrantMemory.open(QdrantSettings(url=url, collection=collection), STAMP) as memory,
    ):
        with pytest.raises(UpstreamProtocolError):
            await memory.insert([make_entry(make_page("e", "poison"))])


async def test_an_index_that_is_another_embedders_by_now_rejects_nothing(
    facade: QdrantFacade, collection: str, tmp_path: Path
) -> None:
    """A server answers with 400 to vectors of another length."""
    async with (
        behind(facade.url, poisoned(400)) as url,
        QdrantMemory.open(QdrantSettings(url=url, collection=collection), STAMP) as memory,
    ):
        drop(facade.url, tmp_path)
        other = EmbedderStamp(name="other", dimensions=5)
        async with QdrantMemory.open(QdrantSettings(url=facade.url, collection=collection), other):
            pass

        with pytest.raises(EmbedderMismatch):
            await memory.insert([make_entry(make_page("e", "poison"), NORTH)])


async def test_what_is_too_large_together_is_sent_apart(facade: QdrantFacade, collection: str) -> None:
    def refusal(_: web.Request, body: bytes) -> int | None:
        return 413 if len(body) > 20_000 else None

    pages = [make_page("e", "tea " * 1_000, index=number) for number in range(30)]
    huge = make_page("huge", "tea " * 8_000)
    async with (
        behind(facade.url, refusal) as url,
        QdrantMemory.open(QdrantSettings(url=url, collection=collection), STAMP) as memory,
        asyncio.timeout(30),
    ):
        await memory.insert([make_entry(page, NORTH) for page in pages])
        with pytest.raises(UpstreamRejected):
            await memory.insert([make_entry(huge, NORTH)])
        await memory.put([make_entry(page, NORTH) for page in pages])

        assert await memory.count(ANN) == len(pages)
