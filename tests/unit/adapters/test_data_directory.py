"""The data directory on a real file system: who may look into it, who holds it, which format it has."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from memoryos_adapters.data_directory import Holder, open_data_directory, read_holder
from memoryos_ports.errors import ConfigurationError

URL = "http://127.0.0.1:8080"
HOLD = """
import sys
from memoryos_adapters.data_directory import open_data_directory
with open_data_directory(sys.argv[1]) as directory:
    directory.announce(sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
"""
LOOK = """
import sys
from memoryos_adapters.data_directory import read_holder
print("ready", flush=True)
while True:
    read_holder(sys.argv[1])
"""


@asynccontextmanager
async def another_process(script: str, path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `script` from its ready line to the end of the block."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(path), URL, stdin=pipe, stdout=pipe
    )
    try:
        async with asyncio.timeout(20):
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_is_private_and_says_its_format(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    with open_data_directory(path) as directory:
        assert directory.path == path
        assert directory.database == path / "memory.sqlite3"
        assert directory.index == path / "index"
    assert mode(path) == 0o700
    assert mode(path / "lock") == 0o600
    assert json.loads((path / "format.json").read_text()) == {"version": 1}


def test_what_is_in_it_stays_when_it_is_opened_again(tmp_path: Path) -> None:
    with open_data_directory(tmp_path / "data") as directory:
        directory.database.write_text("kept")
    with open_data_directory(tmp_path / "data") as directory:
        assert directory.database.read_text() == "kept"


def test_a_directory_that_others_may_read_is_tightened(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.mkdir()
    path.chmod(0o755)
    with open_data_directory(path):
        assert mode(path) == 0o700


def test_a_relative_path_and_one_of_the_home_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_data_directory("data") as directory:
        assert directory.path == tmp_path / "data"
        assert read_holder("~/data") == Holder(pid=os.getpid())


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    before = mode(tmp_path)
    with (
        pytest.raises(ConfigurationError, match=r"holds holiday\.jpg but no format\.json"),
        open_data_directory(tmp_path),
    ):
        pass
    assert mode(tmp_path) == before


def test_a_fresh_mount_with_hidden_files_is_taken(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / ".gitignore").touch()
    with open_data_directory(tmp_path) as directory:
        assert directory.path == tmp_path


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.touch()
    with (
        pytest.raises(ConfigurationError, match=f"data_dir: data directory {path} cannot be used"),
        open_data_directory(path),
    ):
        pass


def test_a_directory_that_is_not_ours_to_write_is_refused() -> None:
    with TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        path = Path(parent) / "data"
        path.mkdir(mode=0o555)
        with _as_an_ordinary_user(), pytest.raises(ConfigurationError, match="not ours to write"):
            open_data_directory(path).__enter__()


@contextmanager
def _as_an_ordinary_user() -> Iterator[None]:
    """Root may write everywhere: put it down for a moment."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text('{"version": 2}')
    with (
        pytest.raises(ConfigurationError, match="has format 2, this version reads up to 1: use a newer MemoryOS"),
        open_data_directory(tmp_path),
    ):
        pass
    assert read_holder(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", '{"version": "1"}', "[]"])
def test_a_format_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "format.json").write_text(text)
    with (
        pytest.raises(ConfigurationError, match=r"has a format\.json that cannot be read"),
        open_data_directory(tmp_path),
    ):
        pass


def test_an_older_format_is_lifted_step_by_step(tmp_path: Path) -> None:
    steps: list[tuple[int, object]] = []

    def step(number: int) -> None:
        steps.append((number, json.loads((tmp_path / "format.json").read_text())["version"]))

    (tmp_path / "format.json").write_text('{"version": 2}')
    migrations = [lambda _: step(1), lambda _: step(2), lambda _: step(3)]
    with open_data_directory(tmp_path, migrations=migrations):
        assert steps == [(2, 2), (3, 3)]
    with open_data_directory(tmp_path, migrations=migrations):
        assert steps == [(2, 2), (3, 3)]


def test_a_new_directory_has_nothing_to_migrate(tmp_path: Path) -> None:
    steps: list[Path] = []
    with open_data_directory(tmp_path / "data", migrations=[steps.append]):
        assert steps == []
    assert json.loads((tmp_path / "data" / "format.json").read_text()) == {"version": 2}


def test_it_is_opened_once_even_in_one_process(tmp_path: Path) -> None:
    with open_data_directory(tmp_path, url=URL):
        expected = f"data_dir: data directory {tmp_path} is held by process {os.getpid()} serving {URL}"
        with pytest.raises(ConfigurationError) as caught, open_data_directory(tmp_path):
            pass
        assert caught.value.faults == (expected,)
    with open_data_directory(tmp_path):
        pass


async def test_another_process_is_named_with_its_url(tmp_path: Path) -> None:
    async with another_process(HOLD, tmp_path) as process:
        assert read_holder(tmp_path) == Holder(pid=process.pid, url=URL)
        with (
            pytest.raises(ConfigurationError, match=f"is held by process {process.pid} serving {URL}"),
            open_data_directory(tmp_path),
        ):
            pass


async def test_a_killed_process_is_no_obstacle(tmp_path: Path) -> None:
    async with another_process(HOLD, tmp_path) as process:
        process.kill()
        async with asyncio.timeout(20):
            await process.wait()
    assert str(process.pid) in (tmp_path / "lock").read_text()
    assert read_holder(tmp_path) is None
    with open_data_directory(tmp_path):
        assert read_holder(tmp_path) == Holder(pid=os.getpid())


async def test_looking_who_holds_it_never_keeps_anybody_out(tmp_path: Path) -> None:
    async with another_process(LOOK, tmp_path):
        for _ in range(2000):
            with open_data_directory(tmp_path):
                pass


def test_nobody_holds_what_does_not_exist(tmp_path: Path) -> None:
    assert read_holder(tmp_path / "none") is None


def test_a_shorter_announcement_leaves_nothing_of_the_longer(tmp_path: Path) -> None:
    with open_data_directory(tmp_path, url=URL) as directory:
        directory.announce("http://[::1]:1")
        assert read_holder(tmp_path) == Holder(pid=os.getpid(), url="http://[::1]:1")
        assert (tmp_path / "lock").read_text().count("\n") == 1
