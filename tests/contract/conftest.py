"""What the suites of several ports share."""

from collections.abc import Iterator

import pytest

from tests.support.redis_databases import RedisDatabases, running_databases


@pytest.fixture(scope="session")
def redis_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisDatabases]:
    """The databases of one redis-server."""
    with running_databases(tmp_path_factory.mktemp("redis")) as databases:
        yield databases
