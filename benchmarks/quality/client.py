"""Gateways for the probes, each a process over a directory of its own, and a user's way to talk to them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.service.memory.api import MemoryApi
from tests.support.fake_upstream import FakeUpstream
from tests.support.process import serving

EAGER = ("--set", "consolidation.quiet_s=0", "--set", "consolidation.heat_threshold=0")
"""Flags with which facts are learnt at once from every turn."""

LEARN_S = 60.0
"""How long a probe waits for facts to be learnt."""

_PATIENT = ("--set", "memory.recall_timeout_ms=5000")


class Prober:
    """Speaks to one gateway, for any user."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    def memory(self, user_id: str) -> MemoryApi:
        """Return the memory routes of a user."""
        return MemoryApi(self.client, user_id)

    async def chat(self, user_id: str, messages: list[dict[str, Any]], **headers: str) -> str:
        """Send a whole conversation; return the answer."""
        response = await self.client.post(
            "/v1/chat/completions",
            json={"model": "any", "messages": messages},
            headers={"X-User-ID": user_id, **headers},
        )
        answer: str = response.raise_for_status().json()["choices"][0]["message"]["content"]
        return answer


@asynccontextmanager
async def probe_client(
    data_dir: Path, *flags: str, upstream: FakeUpstream | None = None, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Prober]:
    """Serve a directory until the block ends; with `upstream`, chats go there."""
    to_upstream = () if upstream is None else _provider(upstream)
    async with (
        serving(data_dir, *_PATIENT, *to_upstream, *flags, environ=environ) as gateway,
        httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=60) as client,
    ):
        yield Prober(client)


async def becomes_true(
    condition: Callable[[], Awaitable[bool]], *, patience_s: float = LEARN_S, every_s: float = 0.2
) -> bool:
    """Ask again and again, and return whether the condition held before the patience was at its end."""
    try:
        async with asyncio.timeout(patience_s):
            while not await condition():  # noqa: ASYNC110 - over HTTP there is nothing to wait on
                await asyncio.sleep(every_s)
    except TimeoutError:
        return False
    return True


def _provider(upstream: FakeUpstream) -> tuple[str, ...]:
    settings = ("llm.providers.fake.kind=openai", f"llm.providers.fake.base_url={upstream.base_url}")
    return tuple(part for setting in settings for part in ("--set", setting))
