"""Providers on loopback: one that chats, one that embeds."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.deepseek_answers import speak_deepseek
from tests.support.fake_upstream import FakeUpstream


@pytest.fixture
async def thinker() -> AsyncIterator[FakeUpstream]:
    """A model that wants its thoughts back with its own tool calls."""
    async with FakeUpstream(speak_deepseek) as upstream:
        yield upstream


@pytest.fixture
async def llm() -> AsyncIterator[FakeUpstream]:
    """A model."""
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def embedder() -> AsyncIterator[FakeUpstream]:
    """An embedder outside."""
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for plain requests."""
    async with aiohttp.ClientSession() as session:
        yield session
