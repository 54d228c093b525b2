"""Writes in the JSON of Qdrant's REST API, cut into bodies that a server takes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, assert_never

import msgspec

from memoryos_adapters.storage.conditions import Clause, HasId
from memoryos_adapters.storage.requests import Delete, DeleteWhere, Operation, SetPayload, Upsert

BODY_BYTES = 8 * 2**20
"""How large a body may be: a server takes 32 MiB, one behind a proxy perhaps less than this."""


def encode_writes(operations: Sequence[Operation], body_bytes: int = BODY_BYTES) -> Iterator[bytes]:
    """Yield the bodies of batches that do these operations one after the other.

    They are of about `body_bytes` at most, or hold one part alone.
    """
    for parts in _packs([part for operation in operations for part in _parts(operation, body_bytes)], body_bytes):
        yield msgspec.json.encode({"operations": parts})


def _parts(operation: Operation, body_bytes: int) -> Iterator[msgspec.Raw]:
    """Yield operations that are the same together, each of a size that fits into a body."""
    match operation:
        case Upsert(points=points, mode=mode, only=only):
            options: dict[str, Any] = (
                {"update_mode": mode} if only is None else {"update_mode": mode, "update_filter": only}
            )
            for pack in _packs([msgspec.Raw(msgspec.json.encode(point)) for point in points], body_bytes):
                yield _raw({"upsert": {"points": pack, **options}})
        case Delete(ids=ids, only=Clause() as only):
            yield _raw({"delete": {"filter": Clause(must=(HasId((*ids,)), only))}})
        case Delete(ids=ids):
            yield _raw({"delete": {"points": ids}})
        case DeleteWhere(wanted=wanted):
            yield _raw({"delete": {"filter": wanted}})
        case SetPayload(ids=ids, payload=payload, only=only):
            wanted = Clause(must=(HasId((*ids,)), only))
            yield _raw({"set_payload": {"payload": payload, "filter": wanted}})
        case _:
            assert_never(operation)


def _raw(operation: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(operation))


def _packs(parts: Iterable[msgspec.Raw], body_bytes: int) -> Iterator[list[msgspec.Raw]]:
    """Yield parts, in their order, as many together as fit into a body; one that does not fit goes alone."""
    pack: list[msgspec.Raw] = []
    size = 0
    for part in parts:
        length = len(memoryview(part))
        if pack and size + length > body_bytes:
            yield pack
            pack, size = [], 0
        pack.append(part)
        size += length
    if pack:
        yield pack
