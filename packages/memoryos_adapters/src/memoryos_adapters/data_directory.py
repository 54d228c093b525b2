"""The directory that holds what a process keeps itself: its format version, and the lock of its one user.

POSIX only: the lock is `flock`, which the kernel releases when the process ends, however it ends.
"""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from memoryos_ports.errors import ConfigurationError

Migration: TypeAlias = Callable[[Path], None]

MIGRATIONS: Final[Sequence[Migration]] = ()
"""Step n (from 0) lifts a directory from format n + 1 to n + 2; each must bear being run again after a crash."""

_FORMAT_FILE = "format.json"
_LOCK_FILE = "lock"
_LOCK_TRIES = 10
_LOCK_PAUSE_S = 0.02


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a data directory open. `url` is where it serves, None when it does not (yet).

    `pid` is 0 in the instant in which a process has taken the directory and not yet said its own.
    """

    pid: int
    url: str | None = None


class _Format(msgspec.Struct, frozen=True, kw_only=True):
    version: int


class DataDirectory:
    """An open data directory: nobody else has it while this lives. Made by `open_data_directory`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @property
    def database(self) -> Path:
        """Where the SQLite database is, or will be."""
        return self.path / "memory.sqlite3"

    @property
    def index(self) -> Path:
        """The directory of the memory index; whoever opens the index makes it."""
        return self.path / "index"

    @property
    def outbox(self) -> Path:
        """Where a gateway of the server profile keeps events while Redis is down."""
        return self.path / "outbox.sqlite3"

    def announce(self, url: str) -> None:
        """Tell other processes, from now on, where this one serves."""
        _write_holder(self._lock, Holder(pid=os.getpid(), url=url))


@contextmanager
def open_data_directory(
    path: str | os.PathLike[str], *, url: str | None = None, migrations: Sequence[Migration] = MIGRATIONS
) -> Iterator[DataDirectory]:
    """Make the directory if need be, lock it, bring it to the present format, and hold it until the block ends.

    Only its owner may look into it: group and world bits are taken away where it is ours.

    Raises ConfigurationError when it cannot be made or written, holds something else than our data, has a newer
    format, or is held by another process, which is then named with its URL.
    """
    directory = Path(path).expanduser().absolute()
    with _as_configuration_error(directory):
        _make_private(directory)
        lock = os.open(directory / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with _as_configuration_error(directory):
            _take(lock, directory)
            _write_holder(lock, Holder(pid=os.getpid(), url=url))
            _bring_to_format(directory, migrations)
        yield DataDirectory(directory, lock)
    finally:
        os.close(lock)  # releases it; who held it stays written there and no longer counts


def read_holder(path: str | os.PathLike[str]) -> Holder | None:
    """Return who holds a data directory now; None when nobody does, or when there is no such directory.

    Raises ConfigurationError when it cannot be looked into.
    """
    directory = Path(path).expanduser().absolute()
    with _as_configuration_error(directory):
        try:
            lock = os.open(directory / _LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_holder(lock)
        finally:
            os.close(lock)
    return None


@contextmanager
def _as_configuration_error(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise _fault(directory, f"cannot be used: {exc.strerror or exc}") from exc


def _fault(directory: Path, problem: str) -> ConfigurationError:
    return ConfigurationError([f"data_dir: data directory {directory} {problem}"])


def _make_private(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise _fault(directory, "cannot be used: it is not ours to write")
    if not (directory / _FORMAT_FILE).exists() and (stranger := _first_stranger(directory)):
        raise _fault(directory, f"holds {stranger} but no {_FORMAT_FILE}: MemoryOS wants a directory of its own")
    found = directory.stat()
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
        directory.chmod(0o700)


def _first_stranger(directory: Path) -> str | None:
    """Return the first name that a new data directory does not have; hidden files and a mount's own do not count."""
    names = (entry.name for entry in directory.iterdir() if not entry.name.startswith("."))
    return min((name for name in names if name not in (_LOCK_FILE, "lost+found")), default=None)


def _take(lock: int, directory: Path) -> None:
    """Lock, or raise ConfigurationError; tries for a moment, because `read_holder` locks for an instant too."""
    for attempt in range(_LOCK_TRIES):
        if attempt:
            time.sleep(_LOCK_PAUSE_S)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return
    holder = _read_holder(lock)
    serving = f" serving {holder.url}" if holder.url else ""
    raise _fault(directory, f"is held by process {holder.pid}{serving}")


def _write_holder(lock: int, holder: Holder) -> None:
    # One write, then the cut: a reader that takes the first line never sees two holders mixed.
    line = msgspec.json.encode(holder) + b"\n"
    os.pwrite(lock, line, 0)
    os.ftruncate(lock, len(line))


def _read_holder(lock: int) -> Holder:
    """Return who is written in the lock file."""
    try:
        return msgspec.json.decode(os.pread(lock, 4096, 0).partition(b"\n")[0], type=Holder)
    except msgspec.DecodeError:
        return Holder(pid=0)


def _bring_to_format(directory: Path, migrations: Sequence[Migration]) -> None:
    newest = 1 + len(migrations)
    stored = _read_format(directory)
    if stored is None:
        _write_format(directory, newest)
        return
    if not 1 <= stored <= newest:
        raise _fault(directory, f"has format {stored}, this version reads up to {newest}: use a newer MemoryOS")
    for version, migrate in enumerate(migrations[stored - 1 :], start=stored + 1):
        migrate(directory)
        _write_format(directory, version)


def _read_format(directory: Path) -> int | None:
    try:
        return msgspec.json.decode((directory / _FORMAT_FILE).read_bytes(), type=_Format).version
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as exc:
        raise _fault(directory, f"has a {_FORMAT_FILE} that cannot be read: {exc}") from exc


def _write_format(directory: Path, version: int) -> None:
    """Replace the file whole: after a crash it says either the old or the new version."""
    draft = directory / f".{_FORMAT_FILE}.new"
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(_Format(version=version)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(directory / _FORMAT_FILE)
    parent = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
