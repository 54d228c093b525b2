"""A cluster that tests share, and the figures of the rounds, told at the end of the run."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.cluster.cluster import Cluster, running_cluster
from tests.e2e.cluster.echo import echoing
from tests.e2e.cluster.memory import Reader

_FIGURES = pytest.StashKey[list[str]]()

Tell = Callable[..., None]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Run a cluster until the last test."""
    async with echoing() as llm_url, running_cluster(tmp_path_factory.mktemp("shared"), llm_url=llm_url) as cluster:
        yield cluster


@pytest_asyncio.fixture(loop_scope="session")
async def cluster(one_for_all: Cluster) -> Cluster:
    """The cluster that tests share, whole again: each test has users of its own."""
    await one_for_all.revive()
    return one_for_all


@pytest_asyncio.fixture(loop_scope="session")
async def reader(cluster: Cluster) -> AsyncIterator[Reader]:
    """A reader at the first gateway."""
    async with Reader(cluster.urls[0]) as reader:
        yield reader


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Tell figures under a name; they stand in one line at the end of the run, whatever became of the test."""
    lines = request.config.stash.setdefault(_FIGURES, [])

    def add(name: str, **figures: Any) -> None:
        lines.append(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the figures that were told."""
    if lines := config.stash.get(_FIGURES, []):
        terminalreporter.section("figures of the cluster")
        for line in lines:
            terminalreporter.write_line(line)
