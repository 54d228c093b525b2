"""A gateway with keys and one without."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from memoryos_adapters.settings import AuthSettings
from tests.service.identity.keys import KEYS
from tests.support.gateway import make_settings, running_gateway


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def keyed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with KEYS."""
    settings = make_settings(tmp_path_factory.mktemp("keyed") / "data", auth=AuthSettings(keys=KEYS))
    async with running_gateway(settings) as gateway, httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def keyless(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway without keys."""
    settings = make_settings(tmp_path_factory.mktemp("keyless") / "data")
    async with running_gateway(settings) as gateway, httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        yield client
