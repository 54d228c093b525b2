"""The undisturbed run: the events of a disturbed cluster's stream, shuffled, applied by one that nothing happens to."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.e2e.cluster.cluster import Cluster, Fields, running_cluster
from tests.e2e.cluster.memory import Reader
from tests.e2e.cluster.people import Who

DRAIN_S = 60.0

Exports = dict[Who, list[dict[str, Any]]]

_DERIVED = frozenset({"segment", "fact", "profile"})
"""What consolidation makes of pages half a minute later: how far it is, and what it sorts together, is chance."""


_NOTED = "conversation"
"""What gateways note of conversations: of an exchange that is tried again at another gateway, both of them note it."""


async def exports_of(cluster: Cluster, people: Sequence[Who]) -> Exports:
    """Return everything held of these users, line by line, but what is derived and what gateways noted."""
    async with Reader(cluster.urls[0]) as reader:
        left_out = {*_DERIVED, _NOTED}
        return {who: [line for line in await reader.export(who) if line["kind"] not in left_out] for who in people}


async def entries_of(cluster: Cluster, people: Sequence[Who]) -> list[Fields]:
    """Return the entries of these users as they went over the stream; the tap keeps them there."""
    users = {who.user_id for who in people}
    published = [fields for _, fields in await cluster.entries() if b"payload" in fields]
    return [fields for fields in published if _user_of(fields[b"payload"]) in users]


async def undisturbed(
    directory: Path, people: Sequence[Who], entries: Sequence[Fields], chance: random.Random
) -> Exports:
    """Return what a new cluster holds after it was given these entries in a random order."""
    async with running_cluster(directory, gateways=1, workers=1) as calm:
        for fields in chance.sample(entries, len(entries)):
            await calm.put(fields)
        await calm.drained(within_s=DRAIN_S)
        return await exports_of(calm, people)


def differences(held: Exports, calm: Exports) -> list[str]:
    """Return the lines that only one of two states has, each with whose it is and the state that has it."""
    return [
        f"{name}: {who.tenant}/{who.user_id}: {line.decode()}"
        for who in held
        for name, mine, other in (("disturbed", held[who], calm[who]), ("calm", calm[who], held[who]))
        for line in sorted(_lines(mine) - _lines(other))
    ]


def _lines(export: Sequence[dict[str, Any]]) -> set[bytes]:
    return {msgspec.json.encode(line, order="sorted") for line in export}


def _user_of(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)["user_id"]
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError):  # poison of another test
        return None
