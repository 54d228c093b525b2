"""`export`, `import` and `forget` as processes: on a directory that rests, and on one that a gateway holds."""

import os
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.process import Finished, run_command, serving

_USER = "ana|work"  # an id whose sign needs quoting in a path
_TEXTS = {"I adopted a greyhound", "She is called Pixel", "我住在苏州"}


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=20)


async def _command(name: str, data_dir: Path, *arguments: str, **environ: str) -> Finished:
    flags = ("--data-dir", str(data_dir), "--set", "embedding.kind=hashed", "--user", _USER)
    return await run_command("memoryos_gateway", name, *arguments, *flags, cwd=data_dir.parent, environ=environ)


async def _remember(client: httpx.AsyncClient, **headers: str) -> None:
    messages = [{"role": "user", "content": text} for text in sorted(_TEXTS)]
    body = {"user_id": _USER, "messages": messages, "session_id": "s", "wait": "searchable"}
    (await client.post("/v1/memory/add", json=body, headers=headers)).raise_for_status()


async def _texts(client: httpx.AsyncClient) -> set[str]:
    listed = (await client.get("/v1/memory", params={"user_id": _USER})).raise_for_status().json()
    return {item["text"] for item in listed["items"]}


def _lines(file: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]


async def test_what_was_exported_is_the_same_after_an_import_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    async with serving(here) as gateway, _client(gateway.url) as client:
        await _remember(client)

    exported = await _command("export", here, "ana.ndjson")
    imported = await _command("import", there, "ana.ndjson", "--json")
    again = await _command("import", there, "ana.ndjson")
    back = await _command("export", there, "back.ndjson")

    assert [it.code for it in (exported, imported, again, back)] == [0] * 4, exported.stderr + imported.stderr
    lines = _lines(tmp_path / "ana.ndjson")
    assert exported.stdout == f"{len(lines)} lines in ana.ndjson\n"
    assert msgspec.json.decode(imported.stdout)["added"]["page"] == 3
    assert again.stdout.startswith("added: nothing; known already: ")
    assert _lines(tmp_path / "back.ndjson")[1:] == lines[1:]
    async with serving(there) as gateway, _client(gateway.url) as client:
        assert await _texts(client) == _TEXTS


async def test_a_forgotten_user_has_nothing_left(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    async with serving(data_dir) as gateway, _client(gateway.url) as client:
        await _remember(client)

    forgotten = await _command("forget", data_dir)

    assert forgotten.code == 0, forgotten.stderr
    assert forgotten.stdout.startswith("complete: ")
    assert "3 in index" in forgotten.stdout
    async with serving(data_dir) as gateway, _client(gateway.url) as client:
        assert await _texts(client) == set()


async def test_a_gateway_that_holds_the_directory_is_asked(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    async with serving(data_dir) as gateway, _client(gateway.url) as client:
        await _remember(client)
        exported = await _command("export", data_dir, "ana.ndjson")
        forgotten = await _command("forget", data_dir, "--json")
        left = await _texts(client)
        imported = await _command("import", data_dir, "ana.ndjson")
        back = await _texts(client)

    assert [it.code for it in (exported, forgotten, imported)] == [0] * 3, exported.stderr + imported.stderr
    assert msgspec.json.decode(forgotten.stdout)["state"] == "complete"
    assert (left, back) == (set(), _TEXTS)


async def test_a_gateway_with_keys_wants_one(tmp_path: Path) -> None:
    data_dir, config = tmp_path / "data", tmp_path / "keys.toml"
    config.write_text('[[auth.keys]]\nkey_env = "KEY"\ntenant = "acme"\nscopes = ["memory:read", "memory:write"]\n')
    environ = {"MEMORYOS_CONFIG": str(config), "KEY": "sk-one"}
    async with serving(data_dir, environ=environ) as gateway, _client(gateway.url) as client:
        await _remember(client, authorization="Bearer sk-one")
        without = await _command("export", data_dir, "ana.ndjson")
        unset = await _command("export", data_dir, "ana.ndjson", "--key-env", "NOBODY")
        with_key = await _command("export", data_dir, "ana.ndjson", "--key-env", "KEY", KEY="sk-one")
        forbidden = await _command("forget", data_dir, "--key-env", "KEY", KEY="sk-one")
    resting = await _command("export", data_dir, "resting.ndjson", "--tenant", "acme")

    assert (without.code, without.stderr[:13]) == (1, "gateway: 401 ")
    assert (unset.code, unset.stderr) == (1, "--key-env NOBODY: this variable is not set\n")
    assert (forbidden.code, forbidden.stderr[:13]) == (1, "gateway: 403 ")
    assert with_key.code == resting.code == 0, resting.stderr
    assert _lines(tmp_path / "resting.ndjson")[1:] == _lines(tmp_path / "ana.ndjson")[1:]


async def test_an_export_that_fails_leaves_no_file_and_an_import_tells_faulty_lines(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    async with serving(data_dir) as gateway, _client(gateway.url) as client:
        await _remember(client)
    nowhere = await _command("export", data_dir, "nowhere/ana.ndjson")
    await _command("export", data_dir, "ana.ndjson")
    with (tmp_path / "ana.ndjson").open("a") as file:
        file.write("this is no JSON\n")

    faulty = await _command("import", data_dir, "ana.ndjson")
    missing = await _command("import", data_dir, "missing.ndjson")

    assert (nowhere.code, nowhere.stderr) == (1, "nowhere/ana.ndjson: No such file or directory\n")
    assert (missing.code, missing.stderr) == (1, "missing.ndjson: No such file or directory\n")
    assert faulty.code == 1
    assert "faulty lines: 1" in faulty.stdout
    assert faulty.stderr.splitlines()[-1].startswith(f"line {len(_lines_of(tmp_path / 'ana.ndjson'))}: ")
    assert sorted(os.listdir(tmp_path)) == ["ana.ndjson", "data"]


@pytest.mark.parametrize("name", ["export", "import", "forget"])
async def test_a_user_that_is_no_id_is_named_before_anything_is_asked(name: str, tmp_path: Path) -> None:
    file = () if name == "forget" else ("ana.ndjson",)
    (tmp_path / "ana.ndjson").touch()
    flags = ("--data-dir", str(tmp_path / "data"), "--set", "embedding.kind=hashed", "--user", "../x")
    refused = await run_command("memoryos_gateway", name, *file, *flags, cwd=tmp_path, environ={})

    assert (refused.code, refused.stderr[:18]) == (1, "--user must be 1-1")
    assert sorted(os.listdir(tmp_path)) == ["ana.ndjson"]


def _lines_of(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines()
