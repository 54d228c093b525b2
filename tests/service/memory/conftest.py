"""One gateway for all tests here, and a user of its own for each test."""

from collections.abc import AsyncIterator
from itertools import count

import httpx
import pytest
import pytest_asyncio

from tests.service.memory.api import MemoryApi
from tests.support.gateway import make_settings, running_gateway

_numbers = count()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running gateway without keys."""
    settings = make_settings(tmp_path_factory.mktemp("memory") / "data")
    async with running_gateway(settings) as gateway, httpx.AsyncClient(base_url=gateway.url, trust_env=False) as opened:
        yield opened


@pytest.fixture
def memory(client: httpx.AsyncClient) -> MemoryApi:
    """The memory of a user that no other test knows."""
    return MemoryApi(client, f"user-{next(_numbers)}")
