"""One real redis-server for all suites; what a test opens for its directory is a database of its own there."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec

from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import RedisSettings
from tests.support.redis_server import RedisServer, running_redis

_DATABASES = 4_000


class RedisDatabases:
    """The databases of a server, one for each directory: opened again, it holds what it held."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._numbers: dict[Path, int] = {}

    def url(self, directory: Path) -> str:
        """Return where the database of a directory is."""
        number = self._numbers.setdefault(directory, len(self._numbers))
        return f"{self._server.url.removesuffix('/0')}/{number}"

    @asynccontextmanager
    async def open(self, directory: Path, settings: RedisSettings | None = None) -> AsyncIterator[RedisDatabase]:
        """Open the database of a directory."""
        settings = msgspec.structs.replace(settings or RedisSettings(), url=self.url(directory))
        async with RedisDatabase.open(settings) as redis:
            yield redis


@contextmanager
def running_databases(directory: Path) -> Iterator[RedisDatabases]:
    """Run a server until the block ends."""
    with running_redis(directory, databases=_DATABASES) as server:
        yield RedisDatabases(server)
