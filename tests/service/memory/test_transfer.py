"""Export and import over HTTP: streamed, and the same bytes after a round trip."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.service.memory.api import MemoryApi, error_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

NDJSON = {"content-type": "application/x-ndjson"}


async def export(memory: MemoryApi) -> str:
    response = await memory.client.get(f"/v1/memory/users/{memory.user_id}/export")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/x-ndjson")
    return response.text


async def post_import(memory: MemoryApi, content: object, **headers: str) -> httpx.Response:
    return await memory.client.post(
        "/v1/memory/import",
        params={"user_id": memory.user_id},
        content=content,  # type: ignore[arg-type]
        headers={**NDJSON, **headers},
    )


async def test_a_round_trip_gives_the_same_lines(memory: MemoryApi) -> None:
    await memory.add("my tea is green", session_id="s-1", metadata={"topic": "tea"}, event_id="evt-1")
    (doomed,) = (await memory.add("doomed", event_id="evt-2"))["memory_ids"]
    await memory.delete(doomed)
    told = await export(memory)
    await memory.client.delete(f"/v1/memory/users/{memory.user_id}")
    response = await post_import(memory, told)
    assert response.status_code == 200, response.text
    assert response.json() == {
        "added": {"page": 1, "history": 1, "deleted": 1, "profile": 1},
        "known": 0,
        "faulty": 0,
        "faults": [],
    }
    assert (await export(memory)).splitlines()[1:] == told.splitlines()[1:]
    assert (await memory.search("green tea"))[0]["event_id"] == "evt-1"


async def test_faults_are_told_by_line(memory: MemoryApi) -> None:
    header = (await export(memory)).splitlines()[0]
    report = (await post_import(memory, f"{header}\n\nnonsense\n")).json()
    assert (report["faulty"], report["faults"][0]["line"]) == (1, 3)


async def test_a_body_larger_than_others_may_be_is_read(memory: MemoryApi) -> None:
    header = (await export(memory)).splitlines()[0].encode()

    async def stream() -> AsyncIterator[bytes]:
        yield header
        for _ in range(21):
            yield b"\n" + b"x" * (1024 * 1024)

    report = (await post_import(memory, stream())).json()
    assert report["faulty"] == 21


async def test_a_line_without_end_is_one_fault(memory: MemoryApi) -> None:
    header = (await export(memory)).splitlines()[0].encode()
    report = (await post_import(memory, header + b"\n" + b"x" * (17 * 1024 * 1024) + b"\nnonsense")).json()
    assert [fault["line"] for fault in report["faults"]] == [2, 3]


@pytest.mark.parametrize(
    ("content", "headers", "status", "param"),
    [
        (b"", {}, 400, "body"),
        (b'{"kind": "page"}\n', {}, 400, "body"),
        (b"", {"content-type": "application/json"}, 415, None),
        (b"", {"content-type": "text/plain"}, 415, None),
        (b"", {"content-encoding": "gzip"}, 415, None),
    ],
)
async def test_what_is_no_export_is_refused(
    content: bytes, headers: dict[str, str], status: int, param: str | None, memory: MemoryApi
) -> None:
    response = await memory.client.post(
        "/v1/memory/import", params={"user_id": memory.user_id}, content=content, headers={**NDJSON, **headers}
    )
    assert error_of(response, status)["param"] == param


async def test_who_wants_nothing_remembered_gets_nothing(memory: MemoryApi) -> None:
    told = await export(memory)
    await memory.client.put(f"/v1/memory/users/{memory.user_id}/settings", json={"remember": False})
    assert error_of(await post_import(memory, told), 403)["code"] == "remember_off"
