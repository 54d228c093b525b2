"""Waiting for a part of memory no longer than a chat can: what is late is told from what is nothing."""

import asyncio
from collections.abc import Awaitable
from enum import Enum
from typing import TypeVar

from loguru import logger

from memoryos_ports.errors import MemoryOSError

_T = TypeVar("_T")


class Late(Enum):
    """What stands for an answer that did not come."""

    LATE = "late"


LATE = Late.LATE


async def in_time(work: Awaitable[_T], *, until: float) -> _T | Late:
    """Return what the work gives, or LATE when it failed or was late; `until` is a moment of the loop's clock."""
    try:
        async with asyncio.timeout_at(until):
            return await work
    except (TimeoutError, MemoryOSError) as exc:
        logger.bind(error=type(exc).__name__).debug("chat goes on without a part of memory")
        return LATE
