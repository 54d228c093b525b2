"""What a Qdrant server may answer, and what becomes of it: an error of ours that says what can be done about it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memoryos_adapters.settings import QdrantSettings, Secret
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_adapters.storage.qdrant_http import QdrantHttp, Refused
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import (
    EmbedderMismatch,
    ForeignIndex,
    MemoryOSError,
    StorageFull,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from tests.unit.adapters.certificates import TestAuthority
from tests.unit.adapters.little_servers import answering, http_answer

STAMP = EmbedderStamp(name="four", dimensions=4)
MEMORY = "my secret diary"


def says(result: Any, *, status: int = 200) -> bytes:
    """Return what a server answers in its envelope."""
    body = {"result": result, "status": "ok", "time": 0.1}
    return http_answer(msgspec.json.encode(body), status=status, media_type="application/json")


def fails(status: int, error: str = "") -> bytes:
    """Return a server's refusal."""
    body = {"status": {"error": error}, "time": 0.1}
    return http_answer(msgspec.json.encode(body), status=status, media_type="application/json")


async def ask(answer: bytes, *, hangs: bool = False) -> object:
    """Return what a call makes of an answer."""
    async with (
        answering(lambda _: answer, hangs=hangs) as server,
        QdrantHttp.open(QdrantSettings(url=server.url, timeout_s=0.3)) as http,
    ):
        return await http.call("GET", "/collections", answer=list[int])


async def test_a_result_is_taken_out_of_its_envelope() -> None:
    assert await ask(says([1, 2])) == [1, 2]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (fails(400), Refused),
        (fails(404), Refused),
        (fails(401), UpstreamUnavailable),
        (fails(403), UpstreamUnavailable),
        (fails(429), UpstreamUnavailable),
        (fails(500, "Service internal error"), UpstreamUnavailable),
        (http_answer(b"<html>", status=502), UpstreamUnavailable),
        (fails(500, "No space left on device: WAL buffer size exceeds available disk space"), StorageFull),
        (fails(507), StorageFull),
        (http_answer(b"<html>"), UpstreamProtocolError),
        (http_answer(b'{"result": [1, 2'), UpstreamProtocolError),
        (http_answer(b'{"answer": []}'), UpstreamProtocolError),
        (says(["one"]), UpstreamProtocolError),
        (http_answer(b"\xff\xfe"), UpstreamProtocolError),
        (b"SSH-2.0-OpenSSH_9.7\r\n\r\n", UpstreamProtocolError),
        (b"", UpstreamUnavailable),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", UpstreamUnavailable),
        (http_answer(status=302, location="http://127.0.0.1:1/"), Refused),
    ],
)
async def test_every_failure_is_one_of_ours(answer: bytes, expected: type[MemoryOSError]) -> None:
    with pytest.raises(MemoryOSError) as caught:
        await ask(answer)

    assert type(caught.value) is expected


async def test_a_server_that_stops_in_the_middle_is_a_time_out() -> None:
    async with asyncio.timeout(10):
        with pytest.raises(UpstreamTimeout):
            await ask(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", hangs=True)


@pytest.mark.parametrize("status", [400, 500])
async def test_what_the_server_says_of_a_failure_is_for_the_log_alone(status: int) -> None:
    with pytest.raises(UpstreamError) as caught:
        await ask(fails(status, f"cannot store {MEMORY}"))

    assert MEMORY not in str(caught.value)
    assert MEMORY in caught.value.reason


async def test_nobody_listening_is_unavailable() -> None:
    async with answering(lambda _: b"") as server:
        url = server.url
    async with QdrantHttp.open(QdrantSettings(url=url)) as http:
        with pytest.raises(UpstreamUnavailable):
            await http.send("GET", "/")


async def test_a_closed_client_is_unavailable() -> None:
    async with answering(lambda _: says([])) as server, QdrantHttp.open(QdrantSettings(url=server.url)) as http:
        await http.send("GET", "/")
    with pytest.raises(UpstreamUnavailable, match="closed"):
        await http.send("GET", "/")


async def test_the_key_is_sent_and_no_warning_is_raised_for_it() -> None:
    async with (
        answering(lambda _: says([])) as server,
        QdrantHttp.open(QdrantSettings(url=server.url, api_key=Secret("k3y"))) as http,
    ):
        await http.send("GET", "/")

    assert [asked.headers["api-key"] for asked in server.asked] == ["k3y"]


async def test_a_path_in_the_url_goes_before_every_other() -> None:
    async with (
        answering(lambda _: says([])) as server,
        QdrantHttp.open(QdrantSettings(url=f"{server.url}/behind/proxy")) as http,
    ):
        await http.send("GET", "/collections")

    assert [asked.target for asked in server.asked] == ["/behind/proxy/collections"]


async def test_a_server_with_tls_is_trusted_by_its_authority_alone(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    async with answering(lambda _: says([1]), context=authority.server_context("localhost")) as server:
        settings = QdrantSettings(url=f"https://localhost:{server.port}")
        async with QdrantHttp.open(settings, ca_file=str(authority.ca_file)) as http:
            assert await http.call("GET", "/", answer=list[int]) == [1]
        async with QdrantHttp.open(settings) as http:
            with pytest.raises(UpstreamUnavailable):
                await http.send("GET", "/")


def server_of(version: object, collection: bytes) -> Callable[[str], bytes]:
    """Return a server of a version, all of whose collections are described like this."""
    title = http_answer(msgspec.json.encode({"title": "qdrant", "version": version}))
    return lambda target: title if target == "/" else collection


FIELDS = ["search_scope", "list_scope", "scope", "session_id", "agent_id", "follows", "timestamp"]
INDEXED = {field: {"data_type": "keyword"} for field in FIELDS}


def described(metadata: object) -> bytes:
    """Return the description of a collection, all of whose indexes are there."""
    return says({"status": "green", "config": {"metadata": metadata}, "payload_schema": INDEXED})


OURS = described({"memoryos": {"embedder": "four", "dimensions": 4}, "other": True})


@pytest.mark.parametrize("version", ["1.19.0", "1.20.3-dev", "2.0.0"])
async def test_a_server_that_is_new_enough_will_do(version: str) -> None:
    async with (
        answering(server_of(version, OURS)) as server,
        QdrantMemory.open(QdrantSettings(url=server.url), STAMP) as memory,
    ):
        await memory.ping()


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (server_of("1.18.3", OURS), "1.18.3, older than 1.19"),
        (server_of("new", OURS), "version"),
        (server_of(None, OURS), "version"),
    ],
)
async def test_a_server_that_will_not_do_says_why(server: Callable[[str], bytes], words: str) -> None:
    async with (
        answering(server) as listening,
        QdrantMemory.open(QdrantSettings(url=listening.url), STAMP) as memory,
    ):
        with pytest.raises(UpstreamProtocolError, match=words):
            await memory.ping()


@pytest.mark.parametrize("metadata", [None, {"made": "elsewhere"}])
async def test_a_collection_that_is_not_ours_is_not_opened(metadata: dict[str, object] | None) -> None:
    async with answering(server_of("1.20.0", described(metadata))) as server:
        with pytest.raises(ForeignIndex, match="'memoryos' was not made by MemoryOS"):
            async with QdrantMemory.open(QdrantSettings(url=server.url), STAMP):
                pass


@pytest.mark.parametrize("stored", [{"embedder": "four", "dimensions": 5}, {"embedder": "4", "dimensions": 4}])
async def test_an_index_of_another_embedder_is_not_opened(stored: dict[str, object]) -> None:
    async with answering(server_of("1.20.0", described({"memoryos": stored}))) as server:
        with pytest.raises(EmbedderMismatch):
            async with QdrantMemory.open(QdrantSettings(url=server.url), STAMP):
                pass
