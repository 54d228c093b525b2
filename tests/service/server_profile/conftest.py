"""Both servers once for all tests; each test has a database and a collection of its own, and makes its gateways."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from memoryos_adapters.settings import Settings
from tests.service.memory.api import MemoryApi
from tests.support.gateway import running_gateway
from tests.support.memory_stack import fast_directory
from tests.support.server_profile import Servers, running_servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers, which a test may kill as long as it starts them again."""
    with fast_directory() as directory, running_servers(directory) as running:
        yield running


@pytest.fixture
def settings(servers: Servers, tmp_path: Path) -> Settings:
    """Settings of an empty memory."""
    return servers.settings(tmp_path / "data")


@asynccontextmanager
async def client_of(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that serves as long as the block lasts."""
    async with (
        running_gateway(settings) as gateway,
        httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=30) as client,
    ):
        yield client


@asynccontextmanager
async def memory_of(settings: Settings, user_id: str = "ana") -> AsyncIterator[MemoryApi]:
    """The memory of a user, through a gateway that serves as long as the block lasts."""
    async with client_of(settings) as client:
        yield MemoryApi(client, user_id)
