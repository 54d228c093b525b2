"""Dead letters, as they are in the stream and as the worker's command handles them."""

import base64

import msgspec

from tests.e2e.cluster.cluster import DEAD, Cluster, Fields
from tests.support.process import Finished, run_command


async def letters_of(cluster: Cluster, user_id: str) -> dict[str, Fields]:
    """Return the dead letters that name a user, by their id."""
    found = await cluster.entries(DEAD)
    return {entry_id: fields for entry_id, fields in found if fields.get(b"user_id") == user_id.encode()}


def original_of(letter: Fields) -> Fields:
    """Return the fields of the entry that became a dead letter, as its `payload` tells them."""
    told: dict[str, str] = msgspec.json.decode(letter[b"payload"])
    if letter.get(b"encoding") == b"base64":
        return {name.encode(): base64.b64decode(value) for name, value in told.items()}
    return {name.encode(): value.encode() for name, value in told.items()}


async def dlq(cluster: Cluster, *arguments: str) -> Finished:
    """Run ``memoryos-worker dlq`` over the cluster."""
    environ = {"MEMORYOS_CONFIG": str(cluster.directory / "config.toml"), "OMP_NUM_THREADS": "1"}
    return await run_command("memoryos_worker", "dlq", *arguments, cwd=cluster.directory, environ=environ)
