"""An entry of the stream as it is handed to a consumer."""

from collections.abc import Sequence

from memoryos_adapters.events.redis_entries import read_flat, time_of
from memoryos_adapters.events.redis_partitions import Partition
from memoryos_ports.events import Delivery


def read_delivery(partition: Partition, raw_id: bytes, flat: Sequence[bytes], attempts: int = 0) -> Delivery:
    """Return the delivery of an entry, whose names and values come in turn and which was tried so often before."""
    entry_id = raw_id.decode()
    handle = partition.handle(entry_id)
    entry = read_flat(flat, handle=handle)
    return Delivery(
        handle=handle,
        payload=entry.payload,
        attempts=attempts,
        event_id=entry.event_id,
        received_at=time_of(entry_id),
    )
