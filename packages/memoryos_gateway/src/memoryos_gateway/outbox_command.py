"""The command `outbox`: how many events wait to be delivered, and waiting until none does."""

import asyncio
from contextlib import AsyncExitStack

from memoryos_adapters.settings import Settings
from memoryos_gateway.data_place import adapters_in, hold_data_directory, holder_of
from memoryos_gateway.own_http import get_json
from memoryos_gateway.routes.health import StatusAnswer
from memoryos_ports.errors import ConfigurationError, UpstreamUnavailable
from memoryos_ports.outbox import Outbox

_ASK_EVERY_S = 0.25
_ANSWER_S = 5.0


async def count_waiting(settings: Settings, *, wait_s: float | None) -> int:
    """Return how many events wait in the outbox, with `wait_s` once none does or when that time is up.

    The gateway that holds the data directory is asked. When nobody holds it the outbox is opened here, and with
    `wait_s` delivered from here. Raises ConfigurationError where there is no outbox, UpstreamUnavailable when the
    gateway does not answer.
    """
    if settings.storage.profile != "server" or not settings.storage.outbox:
        raise ConfigurationError(
            ["storage: there is an outbox on the profile 'server' only, with storage.outbox = true"]
        )
    holder = holder_of(settings)
    if holder is None:
        return await _deliver(settings, wait_s=wait_s)
    if holder.url is None:
        raise ConfigurationError([f"data_dir: is held by process {holder.pid}, which does not serve"])
    return await _ask(holder.url, wait_s=wait_s or 0)


async def _ask(url: str, *, wait_s: float) -> int:
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        try:
            status = await asyncio.to_thread(get_json, f"{url}/health/status", answer=StatusAnswer, timeout_s=_ANSWER_S)
        except OSError as exc:
            raise UpstreamUnavailable(upstream="gateway", detail=f"{url} does not answer: {exc}") from exc
        waiting = status.outbox.waiting if status.outbox else 0
        if not waiting or asyncio.get_running_loop().time() >= deadline:
            return waiting
        await asyncio.sleep(_ASK_EVERY_S)


async def _deliver(settings: Settings, *, wait_s: float | None) -> int:
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(hold_data_directory(settings))
        outbox = (await stack.enter_async_context(adapters_in(settings, directory))).outbox
        if not wait_s:
            return (await outbox.state()).waiting
        delivering = asyncio.create_task(outbox.run())
        try:
            return await _drained(outbox, wait_s=wait_s)
        finally:
            delivering.cancel()
            await asyncio.wait({delivering})


async def _drained(outbox: Outbox, *, wait_s: float) -> int:
    """Return how many wait when none does or the time is up; while the log is away, look again and again."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    while True:
        waiting = await outbox.drain(timeout_s=max(deadline - loop.time(), 0))
        if not waiting or loop.time() >= deadline:
            return waiting
        await asyncio.sleep(_ASK_EVERY_S)
