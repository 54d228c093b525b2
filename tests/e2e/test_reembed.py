"""`memoryos-gateway reembed` as a process: after a change of the embedder, and killed on the way."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.support.process import Finished, run_command, serving

_TURNS = 160
_STATIC = ("--set", "embedding.kind=static")
_MINILM = ("--set", "embedding.kind=minilm")


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=20)


def _text(number: int) -> str:
    return f"On day {number} I watered the {'roses' if number % 2 else 'tulips'} and wrote page {number} of my diary"


async def _remember(data_dir: Path, *, turns: int) -> set[str]:
    """Fill a data directory under the hashed embedder; one memory is deleted again. Return the ids of the others."""
    ids: list[str] = []
    async with serving(data_dir) as gateway, _client(gateway.url) as client:
        for start in range(0, turns, 64):
            messages = [{"role": "user", "content": _text(n)} for n in range(start, min(turns, start + 64))]
            for user_id in ("ana", "ben"):
                body = {"user_id": user_id, "messages": messages, "wait": "searchable"}
                ids += (await client.post("/v1/memory/add", json=body)).raise_for_status().json()["memory_ids"]
        deleted = ids.pop(0)
        (await client.delete(f"/v1/memory/{deleted}", params={"user_id": "ana"})).raise_for_status()
    return set(ids)


async def _ids(client: httpx.AsyncClient) -> set[str]:
    ids: set[str] = set()
    for user_id in ("ana", "ben"):
        query: dict[str, Any] = {"user_id": user_id, "limit": 200}
        while True:
            answer = (await client.get("/v1/memory", params=query)).raise_for_status().json()
            ids |= {item["id"] for item in answer["items"]}
            if answer["next_cursor"] is None:
                break
            query["cursor"] = answer["next_cursor"]
    return ids


async def _reembed(data_dir: Path, *flags: str) -> Finished:
    return await run_command("memoryos_gateway", "reembed", "--data-dir", str(data_dir), *flags, cwd=data_dir.parent)


async def _reembed_killed(data_dir: Path, *flags: str) -> None:
    """Start it, and kill it once it has said that some memories are done."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "memoryos_gateway", "reembed", "--data-dir", str(data_dir), *flags),
        cwd=data_dir.parent,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(30):
        first = await process.stderr.readline()
        process.kill()
        await process.wait()
    assert first.startswith(b"reembed: "), first
    assert process.returncode == -signal.SIGKILL


async def test_a_changed_embedder_is_refused_until_everything_is_embedded_again(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    ids = await _remember(data_dir, turns=100)

    refused = await run_command(
        "memoryos_gateway", "serve", "--data-dir", "data", "--port", "0", *_STATIC, cwd=tmp_path
    )
    done = await _reembed(data_dir, "--json", *_STATIC)
    again = await _reembed(data_dir, "--embedding", "static")

    assert (refused.code, done.code, again.code) == (1, 0, 0), refused.stderr + done.stderr + again.stderr
    assert refused.stderr.startswith("the memory index was built with embedder hashed-v1/")
    embedder = msgspec.json.decode(done.stdout)["embedder"]
    assert msgspec.json.decode(done.stdout) == {"embedder": embedder, "memories": 200, "embedded": 200}
    assert done.stderr.splitlines()[-1] == "reembed: 200 of 200 memories"
    assert again.stdout == f"nothing to do: the index is of {embedder}\n"
    async with serving(data_dir, *_STATIC) as gateway, _client(gateway.url) as client:
        assert await _ids(client) == ids
        body = {"user_id": "ben", "query": "flowers in the garden", "limit": 1, "kinds": ["page"]}
        (hit,) = (await client.post("/v1/memory/search", json=body)).raise_for_status().json()["hits"]
    assert "watered" in hit["text"]


async def test_killed_on_the_way_it_goes_on_where_it_was_and_nothing_is_lost(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    ids = await _remember(data_dir, turns=_TURNS)

    await _reembed_killed(data_dir, *_MINILM)

    assert "generation-1" in os.listdir(data_dir / "index")
    done = await _reembed(data_dir, "--json", *_MINILM)
    assert done.code == 0, done.stderr
    figures = msgspec.json.decode(done.stdout)
    assert figures["memories"] == 2 * _TURNS
    assert 0 < figures["embedded"] < 2 * _TURNS
    async with serving(data_dir, *_MINILM) as gateway, _client(gateway.url) as client:
        assert await _ids(client) == ids


async def test_killed_on_the_way_the_old_embedder_still_has_everything(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    ids = await _remember(data_dir, turns=_TURNS)

    await _reembed_killed(data_dir, *_MINILM)

    async with serving(data_dir) as gateway, _client(gateway.url) as client:
        assert await _ids(client) == ids
        assert "generation-1" not in os.listdir(data_dir / "index")


async def test_a_directory_that_a_gateway_holds_is_left_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    async with serving(data_dir) as gateway:
        finished = await _reembed(data_dir, *_STATIC)

    told = f"data_dir: data directory {data_dir} is held by process {gateway.pid} serving {gateway.url}"
    assert (finished.code, finished.stderr) == (1, f"{told}\n")
