"""An event whose id the stream knows with other content: put there all the same, for a consumer to decide."""

from memoryos_adapters.events.redis_partitions import Partitions
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import WorkerSettings
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import Event


class StreamContest:
    """Adds an event to its stream whatever is known of its id, and changes no receipt.

    Who applies it finds the other content stored, and buries it: it is then a dead letter like others.
    """

    def __init__(self, redis: RedisDatabase, settings: WorkerSettings) -> None:
        self._redis = redis
        self._partitions = Partitions(settings, is_cluster=redis.is_cluster)

    async def __call__(self, event: Event) -> None:
        """Add the event; durable on return. Raises UpstreamUnavailable or UpstreamTimeout."""
        fields = ("event_id", event.event_id, "payload", encode_event(event))
        await self._redis.execute("XADD", self._partitions.of(event.scope).stream, "*", *fields, durable=True)
