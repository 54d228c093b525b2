"""`memoryos-gateway serve` as a process: what it prints, what it refuses, how it ends."""

import asyncio
import socket
import sys
from pathlib import Path

import httpx

import memoryos_gateway
from memoryos_adapters.data_directory import read_holder
from tests.support.process import run_command, serving

_GATEWAY = "memoryos_gateway"


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False)


async def test_it_says_where_it_serves_once_it_does(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as gateway, _client(gateway.url) as client:
        assert (await client.get("/health/ready")).status_code == 200
        holder = read_holder(tmp_path / "data")
        gateway.ask_to_stop()
        code = await gateway.ended()

    assert holder is not None
    assert (holder.pid, holder.url) == (gateway.pid, gateway.url)
    assert code == 0
    assert read_holder(tmp_path / "data") is None


async def test_who_comes_second_is_told_who_serves_the_directory(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    async with serving(data_dir) as gateway:
        flags = ("--port", "0", "--data-dir", str(data_dir), "--set", "embedding.kind=hashed")
        second, doctor = await asyncio.gather(
            run_command(_GATEWAY, "serve", *flags, cwd=tmp_path), run_command(_GATEWAY, "doctor", *flags, cwd=tmp_path)
        )

    told = f"data_dir: data directory {data_dir} is held by process {gateway.pid} serving {gateway.url}"
    assert (second.code, second.stderr) == (1, f"{told}\n")
    assert doctor.code == 0
    state = "is fully_operational: sqlite up, qdrant-edge up"
    assert doctor.stdout.splitlines()[-1] == f"ok      gateway: {gateway.url} {state}"


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = await run_command(_GATEWAY, "serve", "--port", str(port), "--data-dir", "data", cwd=tmp_path)

    assert finished.code == 1
    (line,) = finished.stderr.splitlines()
    assert line.startswith(f"server.port: cannot listen on 127.0.0.1:{port}: Address already in use")


async def test_every_fault_of_the_configuration_is_listed(tmp_path: Path) -> None:
    config = tmp_path / "faulty.toml"
    config.write_text('[server]\nport = "high"\nhots = "127.0.0.1"\n[memory]\nbudget_tokens = 0\n')
    environ = {"MEMORYOS_CONFIG": str(config), "MEMORYOS__LOG__LEVEL": "loud", "MEMORYOS__STORAGE__PROFILE": "cloud"}

    finished = await run_command(_GATEWAY, "serve", "--set", "worker.port=-1", cwd=tmp_path, environ=environ)

    assert finished.code == 1
    named = {line.split(":")[0] for line in finished.stderr.splitlines()}
    assert named >= {"server.port", "server.hots", "memory.budget_tokens", "storage.profile", "worker.port"}
    assert finished.stdout == ""


async def test_the_installed_command_is_this_one(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("memoryos-gateway")
    process = await asyncio.create_subprocess_exec(command, "--version", stdout=asyncio.subprocess.PIPE, cwd=tmp_path)
    async with asyncio.timeout(20):
        stdout, _ = await process.communicate()

    assert (process.returncode, stdout.decode().strip()) == (0, memoryos_gateway.__version__)


async def test_the_worker_refuses_the_embedded_profile(tmp_path: Path) -> None:
    finished = await run_command("memoryos_worker", "run", cwd=tmp_path)

    assert finished.code == 1
    assert finished.stderr.startswith("storage.profile: a worker needs the profile 'server', configured is 'embedded'")
