"""The SQLite file of the embedded profile: one writer that commits in groups, readers beside it, errors of our tree.

Every thread runs the same loop (`_Lane`): take the jobs that wait, run each in a savepoint of one transaction, commit
once, wake the callers once. The writer takes many jobs at a time, so that callers share the price of one fsync.

Statements here and in the stores keep to SQLite 3.32 (Python 3.11 of some distributions): no RETURNING, no STRICT.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Self, TypeAlias, TypeVar

import msgspec

from memoryos_ports.errors import ConfigurationError, Overloaded, StorageFull, UpstreamUnavailable

T = TypeVar("T")

UPSTREAM = "sqlite"
IN_MEMORY = ":memory:"

_READERS = 2
_JOBS_PER_COMMIT = 256


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """The tables of one store.

    `steps` are single statements, only ever appended to; a file's version is how many of them it has seen.
    `at_open` are statements for every time that the file is opened.
    """

    name: str
    steps: tuple[str, ...]
    at_open: tuple[str, ...] = ()


class SqliteDatabase:
    """One database file; built by `open`. Its methods are for the event loop that opened it, and never block it.

    Raises UpstreamUnavailable(upstream="sqlite") when the file is locked, broken, not writable or closed,
    StorageFull when its disk is full, Overloaded when `max_queue` jobs wait.
    """

    def __init__(self, writer: sqlite3.Connection, readers: Sequence[sqlite3.Connection], *, max_queue: int) -> None:
        loop = asyncio.get_running_loop()
        self._max_queue = max_queue
        self._closed = False
        self._writes: _Queue = queue.SimpleQueue()
        self._reads: _Queue = queue.SimpleQueue() if readers else self._writes
        self._lanes = [
            _Lane(writer, self._writes, loop, begin="BEGIN IMMEDIATE", jobs_per_commit=_JOBS_PER_COMMIT),
            *(_Lane(reader, self._reads, loop, begin="BEGIN", jobs_per_commit=1) for reader in readers),
        ]

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: str | Path,
        *,
        schemas: Sequence[Schema],
        busy_timeout_s: float = 5.0,
        max_queue: int = 10_000,
    ) -> AsyncIterator[Self]:
        """Open (or create, mode 0600) a file, bring its tables up to date, and close it after the jobs that wait.

        `path` ":memory:" is a database of its own that lives as long as it is open. Another process that holds a
        lock is waited for during `busy_timeout_s`. Raises ConfigurationError for a file of a newer version.
        """
        with sqlite_errors():
            writer, *readers = await asyncio.to_thread(_connect, str(path), schemas, busy_timeout_s)
        database = cls(writer, readers, max_queue=max_queue)
        try:
            yield database
        finally:
            database._closed = True
            await asyncio.to_thread(database._end_lanes)

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job in the writer's thread and return its result, committed and synced to disk.

        Jobs run in the order of their calls. What a job raises comes out here, and its own changes are undone. The
        job of a caller that was cancelled may still run.
        """
        return await self._run(self._writes, job)

    async def erase(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Like `write`, and when it returns no file of the database holds a byte of what the job removed.

        Raises UpstreamUnavailable, after the commit, when another process goes on reading what was there before.
        """
        return await self._run(self._writes, job, erases=True)

    async def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job that only reads, on one snapshot that holds every write that returned before this call."""
        return await self._run(self._reads, job)

    async def ping(self) -> None:
        """Return when the file can be read."""
        await self.read(lambda connection: connection.execute("SELECT count(*) FROM schema_versions").fetchone())

    async def _run(self, jobs: "_Queue", function: Callable[[sqlite3.Connection], T], *, erases: bool = False) -> T:
        if self._closed:
            raise UpstreamUnavailable(upstream=UPSTREAM, detail="the database is closed")
        if jobs.qsize() >= self._max_queue:
            raise Overloaded("sqlite queue")
        job = _Job(function, asyncio.get_running_loop().create_future(), erases)
        jobs.put(job)
        with sqlite_errors():
            await job.done
            return job.outcome()

    def _end_lanes(self) -> None:
        """Wait for each lane's end. Blocks. The writer goes last, and so alone: it moves the log into the file."""
        writer, *readers = self._lanes
        for lanes in (readers, [writer]):
            for lane in lanes:
                lane.stop()
            for lane in lanes:
                lane.join()


@contextmanager
def sqlite_errors() -> Iterator[None]:
    """Turn what SQLite, the file system and unreadable rows raise into errors of our tree."""
    try:
        yield
    except sqlite3.Error as exc:
        if _primary_code(exc) == sqlite3.SQLITE_FULL:
            raise StorageFull(UPSTREAM) from exc
        raise UpstreamUnavailable(upstream=UPSTREAM, detail=str(exc)) from exc
    except OSError as exc:
        raise UpstreamUnavailable(upstream=UPSTREAM, detail=exc.strerror or "") from exc
    except msgspec.DecodeError as exc:
        raise UpstreamUnavailable(upstream=UPSTREAM, detail="a row that cannot be read") from exc


@dataclass(slots=True)
class _Job(Generic[T]):
    """A function on its way through a lane; once `done`, `outcome` returns or raises what the function did."""

    function: Callable[[sqlite3.Connection], T]
    done: "asyncio.Future[None]"
    erases: bool = False
    value: T | None = None
    error: BaseException | None = None

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # without an error it holds what the function returned


_Queue: TypeAlias = "queue.SimpleQueue[_Job[Any] | None]"


class _Lane:
    """A thread that owns a connection and works off a queue; None in the queue ends it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        jobs: _Queue,
        loop: asyncio.AbstractEventLoop,
        *,
        begin: str,
        jobs_per_commit: int,
    ) -> None:
        self._connection = connection
        self._jobs = jobs
        self._loop = loop
        self._begin = begin
        self._jobs_per_commit = jobs_per_commit
        self._thread = threading.Thread(target=self._run, name="sqlite", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the lane end after the jobs that wait."""
        self._jobs.put(None)

    def join(self) -> None:
        """Wait for the lane's end. Blocks."""
        self._thread.join()

    def _run(self) -> None:
        running = True
        while running:
            batch, running = self._take()
            if batch:
                self._commit(batch)
                self._empty_log([job for job in batch if job.erases and job.error is None])
            self._loop.call_soon_threadsafe(_wake_callers, batch)
        self._connection.close()

    def _take(self) -> tuple[list[_Job[Any]], bool]:
        """Wait for a job and return it with those behind it, and whether the lane goes on."""
        batch: list[_Job[Any]] = []
        with suppress(queue.Empty):
            while len(batch) < self._jobs_per_commit:
                job = self._jobs.get(block=not batch)
                if job is None:
                    return batch, False
                batch.append(job)
        return batch, True

    def _commit(self, batch: list[_Job[Any]]) -> None:
        try:
            self._connection.execute(self._begin)
            for job in batch:
                self._attempt(job)
            self._connection.execute("COMMIT")
        except Exception as exc:  # noqa: BLE001 - whatever it is, it belongs to the callers who wait
            with suppress(sqlite3.Error):
                self._connection.rollback()
            for job in batch:
                job.error = exc

    def _empty_log(self, erasing: list[_Job[Any]]) -> None:
        """Move the log into the file, whose free pages are overwritten: the log still has what erasing jobs removed."""
        if not erasing:
            return
        error: sqlite3.Error | None
        try:
            ((is_busy, _, _),) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            error = sqlite3.OperationalError("the log is being read") if is_busy else None
        except sqlite3.Error as exc:
            error = exc
        for job in erasing:
            job.error = error

    def _attempt(self, job: _Job[Any]) -> None:
        self._connection.execute("SAVEPOINT job")
        try:
            job.value = job.function(self._connection)
        except Exception as exc:
            if not self._connection.in_transaction:  # a full disk makes SQLite roll back everybody's changes
                raise
            job.error = exc
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")


def _wake_callers(batch: list[_Job[Any]]) -> None:
    for job in batch:
        if not job.done.done():  # else its caller was cancelled
            job.done.set_result(None)


def _connect(path: str, schemas: Sequence[Schema], busy_timeout_s: float) -> list[sqlite3.Connection]:
    """Return the writer's connection and those of the readers; none of the latter for a database in memory."""
    if path != IN_MEMORY:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(path).touch(mode=0o600)  # before SQLite makes it with the umask's mode; its -wal and -shm follow suit
    count = 1 if path == IN_MEMORY else 1 + _READERS
    with ExitStack() as on_error:
        connections = [
            on_error.enter_context(
                closing(sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False))
            )
            for _ in range(count)
        ]
        _prepare(connections[0], path, schemas)
        for reader in connections[1:]:
            reader.execute("PRAGMA query_only = ON")
        on_error.pop_all()
    return connections


def _prepare(connection: sqlite3.Connection, path: str, schemas: Sequence[Schema]) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what was forgotten does not stay legible in free pages
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE IF NOT EXISTS schema_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL)")
    versions: dict[str, int] = dict(connection.execute("SELECT name, version FROM schema_versions"))
    faults = [
        f"{path}: {schema.name} is of version {versions[schema.name]}, this program knows {len(schema.steps)}"
        for schema in schemas
        if versions.get(schema.name, 0) > len(schema.steps)
    ]
    if faults:
        raise ConfigurationError(faults)
    for schema in schemas:
        for statement in (*schema.steps[versions.get(schema.name, 0) :], *schema.at_open):
            connection.execute(statement)
        connection.execute("INSERT OR REPLACE INTO schema_versions VALUES (?, ?)", (schema.name, len(schema.steps)))
    connection.execute("COMMIT")


def _primary_code(error: sqlite3.Error) -> int:
    """Return the primary result code (https://sqlite.org/rescode.html); 0 when the module raised it by itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
