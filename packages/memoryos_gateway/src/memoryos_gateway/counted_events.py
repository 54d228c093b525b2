"""The event log as a gateway uses it: what is published is counted."""

from memoryos_adapters.metrics import GatewayMetrics
from memoryos_adapters.relayed_events import RelayedEvents
from memoryos_ports.errors import Overloaded
from memoryos_ports.events import Event, EventLog, Published
from memoryos_ports.outbox import OUTBOX, Held


class CountedEvents(RelayedEvents):
    """An `EventLog` in front of another, whose publications it counts by their outcome."""

    def __init__(self, remote: EventLog, metrics: GatewayMetrics) -> None:
        super().__init__(remote)
        self._metrics = metrics

    async def publish(self, event: Event) -> Published:
        """Pass it on, and count it."""
        try:
            published = await self._remote.publish(event)
        except Overloaded as exc:
            if exc.what == OUTBOX:
                self._metrics.outbox_refused()
            raise
        is_held = isinstance(published, Held) and published.outcome == "new"
        self._metrics.published("outbox" if is_held else published.outcome)
        return published
