"""Deliveries whose end the log has not noted: it takes them to be in hand, until they are given back."""

import asyncio
from collections.abc import Iterable

from loguru import logger

from memoryos_core.pipeline.policy import PutOffs
from memoryos_ports.errors import UpstreamTimeout, UpstreamUnavailable
from memoryos_ports.events import Delivery, EventLog

_TIMEOUT_S = 2.0
_EVERY_S = 1.0


class Unsettled:
    """Gives them back without an attempt. One that the log does not take back keeps no others from it."""

    def __init__(self, events: EventLog, put_offs: PutOffs) -> None:
        self._events = events
        self._put_offs = put_offs
        self._deliveries: list[Delivery] = []
        self._rests_until = 0.0  # by the loop's clock

    @property
    def are_due(self) -> bool:
        """Whether there are any, and they may be tried."""
        return bool(self._deliveries) and self._rests_until <= asyncio.get_running_loop().time()

    def add(self, deliveries: Iterable[Delivery]) -> None:
        """Note what is to be given back."""
        self._deliveries += deliveries

    async def give_back(self) -> None:
        """Leave all of them; what cannot be left stays, and rests longer each time.

        Raises UpstreamUnavailable, UpstreamTimeout or TimeoutError when the log cannot be reached.
        """
        stuck = 0
        async with asyncio.timeout(_TIMEOUT_S):
            while stuck < len(self._deliveries):  # more may be added meanwhile
                if await self._is_left(self._deliveries[stuck]):
                    del self._deliveries[stuck]
                else:
                    stuck += 1

    async def _is_left(self, delivery: Delivery) -> bool:
        rest_s = self._put_offs.rest_s(delivery.handle)
        try:
            await self._events.leave(delivery, error="not settled", retry_in_s=rest_s, attempted=False)
        except (UpstreamUnavailable, UpstreamTimeout):
            raise
        except Exception as exc:  # noqa: BLE001 - one that cannot be left must not keep the others back
            logger.bind(event_id=delivery.event_id).opt(exception=exc).error("event not given back")
            self._put_offs.note(delivery.handle)
            self._rests_until = asyncio.get_running_loop().time() + max(rest_s, _EVERY_S)
            return False
        return True
