"""Probes of a Qdrant server and calls at the same time: a probe makes no call look again, unless it found a fault."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage.qdrant_collection import QdrantCollection
from memoryos_adapters.storage.qdrant_http import QdrantHttp
from memoryos_ports.errors import UpstreamUnavailable
from tests.contract.storage.conftest import drop
from tests.contract.storage.indexes import STAMP, collection_of
from tests.support.qdrant_facade.process import QdrantFacade

PATIENCE_S = 10.0


class SlowHttp(QdrantHttp):
    """Keeps each question for the server's version until `go_on` is set, and notes the paths of all requests."""

    paths: list[str]
    go_on: asyncio.Event
    is_asked: asyncio.Event
    is_away = False

    async def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request, some of them later."""
        self.paths.append(path)
        if path == "/":
            self.is_asked.set()
            await self.go_on.wait()
            if self.is_away:
                raise UpstreamUnavailable(upstream="qdrant")
        return await super().send(method, path, body)


@pytest.fixture
async def http(facade: QdrantFacade, tmp_path: Path) -> AsyncIterator[SlowHttp]:
    """Requests to the server."""
    async with SlowHttp.open(QdrantSettings(url=facade.url)) as opened:
        opened.paths, opened.go_on, opened.is_asked = [], asyncio.Event(), asyncio.Event()
        opened.go_on.set()
        yield opened
    drop(facade.url, tmp_path)


@pytest.fixture
async def collection(http: SlowHttp, tmp_path: Path) -> QdrantCollection:
    """A collection of the test's own that was checked; the next check takes until `go_on` is set."""
    collection = QdrantCollection(http, QdrantSettings(collection=collection_of(tmp_path)), STAMP)
    await collection.ready()
    http.go_on.clear()
    http.is_asked.clear()
    http.paths.clear()
    return collection


async def count(collection: QdrantCollection) -> None:
    """Make a call."""
    await collection.call("POST", "/points/count", b"{}", answer=dict)


async def begin_probe(collection: QdrantCollection, http: SlowHttp) -> "asyncio.Task[None]":
    """Begin a probe, which the server has not answered yet."""
    probe = asyncio.create_task(collection.check())
    await http.is_asked.wait()
    http.paths.clear()
    return probe


async def test_amid_a_probe_a_call_is_one_request(collection: QdrantCollection, http: SlowHttp) -> None:
    async with asyncio.timeout(PATIENCE_S):
        probe = await begin_probe(collection, http)
        await count(collection)
        assert len(http.paths) == 1
        http.go_on.set()
        await probe


async def test_after_a_probe_that_was_given_up_a_call_is_one_request(
    collection: QdrantCollection, http: SlowHttp
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        probe = await begin_probe(collection, http)
        probe.cancel()
        await asyncio.wait({probe})
        await count(collection)
        assert len(http.paths) == 1


async def test_after_a_probe_that_failed_a_call_looks_again(collection: QdrantCollection, http: SlowHttp) -> None:
    http.is_away = True
    http.go_on.set()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(UpstreamUnavailable):
            await collection.check()
        with pytest.raises(UpstreamUnavailable):
            await count(collection)
        http.is_away = False
        await count(collection)
        http.paths.clear()
        await count(collection)
        assert len(http.paths) == 1
