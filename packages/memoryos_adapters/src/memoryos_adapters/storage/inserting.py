"""Inserting pages whose ids may be taken: by an earlier delivery, or at this moment by another process.

The point that stands for a page is written first, only where there is none, and with a claim that names the insertion.
Read back, the claims tell what this insertion brought and what was known. A page is of whom the engine let in, and an
event is of whom its first page is: the other content goes, and where it came first on a later page it makes room. Only
then do the further chunks follow. Until they are there the page says that they are missing, so that a delivery of the
same content that finds it so brings them.
"""

import secrets
from collections.abc import Iterable, Sequence

from memoryos_adapters.storage.claims import Claims, Held, read_claims
from memoryos_adapters.storage.conditions import Clause, equals
from memoryos_adapters.storage.payload import chunk_ids, content_of
from memoryos_adapters.storage.points import chunk_points, own_point
from memoryos_adapters.storage.requests import (
    Delete,
    Operation,
    Payload,
    Plan,
    Point,
    Retrieve,
    SetPayload,
    Upsert,
    ask,
)
from memoryos_adapters.storage.writing import NOT_DELETED, SUPERSEDED, write
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import IndexEntry

_HELD_FIELDS = ("claim", "content_hash", "superseded")


def insert(calls: Sequence[Sequence[IndexEntry]], claim: str) -> Plan[list[list[MemoryId]]]:
    """Write the memories whose ids are not known yet; return for each of the calls which were, before it.

    `claim` is like no other. Of an event that another content holds every page is told as known.
    """
    entries = first_of_each(entry for call in calls for entry in call)
    if not entries:
        return [[] for _ in calls]
    yield from write([Upsert(points=[_claiming(entry, claim) for entry in entries], mode="insert_only")])
    claims = yield from read_claims(entries, claim)
    yield from write([*_arbitration(claims, claim), *_completion(claims.unfinished)])
    yield from _check(claims.unfinished)
    return [_known_before(call, claims.known) for call in calls]


def new_claim() -> str:
    """Return what no other insertion is called."""
    return secrets.token_hex(8)


def first_of_each(entries: Iterable[IndexEntry]) -> list[IndexEntry]:
    """Return the first entry of each id: the one that stays, of those that are inserted together."""
    firsts: dict[MemoryId, IndexEntry] = {}
    for entry in entries:
        firsts.setdefault(entry.memory.id, entry)
    return [*firsts.values()]


def _claiming(entry: IndexEntry, claim: str) -> Point:
    unfinished: Payload = {"unfinished": True} if len(entry.chunks) > 1 else {}
    return own_point(entry, {"claim": claim, **unfinished})


def _arbitration(claims: Claims, claim: str) -> list[Operation]:
    """Return what makes each event of one content: of its first page's."""
    unwanted: dict[str | None, list[MemoryId]] = {}
    for entry in claims.unwanted:
        unwanted.setdefault(content_of(entry.memory), []).append(entry.memory.id)
    contested = [_claiming(entry, claim) for entry in claims.contested]
    return [
        *(Delete(ids=ids, only=_is_of(content)) for content, ids in unwanted.items() if content is not None),
        Upsert(points=contested, mode="upsert", only=NOT_DELETED),
    ]


def _completion(unfinished: Sequence[Held]) -> list[Operation]:
    """Return what writes further chunks, then says that they are there."""
    chunks = [point for entry, claim in unfinished for point in chunk_points(entry, {"claim": claim})]
    held: dict[str, list[MemoryId]] = {}
    for entry, claim in unfinished:
        held.setdefault(claim, []).append(entry.memory.id)
    return [
        Upsert(points=chunks, mode="insert_only"),
        *(SetPayload(ids=ids, payload={"unfinished": None}, only=_is_under(claim)) for claim, ids in held.items()),
    ]


def _check(finished: Sequence[Held]) -> Plan[None]:
    """Take chunks back from pages that were edited, deleted or erased before these came, and hide the superseded's."""
    if not finished:
        return
    states = yield from ask(Retrieve(ids=[entry.memory.id for entry, _ in finished], fields=_HELD_FIELDS))
    yield from write([operation for held in finished for operation in _mending(held, states.get(held.entry.memory.id))])


def _mending(held: Held, state: Payload | None) -> list[Operation]:
    points = chunk_ids(held.entry.memory.id, len(held.entry.chunks))[1:]
    if state is None or "claim" not in state or state.get("content_hash") != content_of(held.entry.memory):
        return [Delete(ids=points, only=_is_under(held.claim))]
    return [SetPayload(ids=points, payload=SUPERSEDED, only=NOT_DELETED)] if state.get("superseded") else []


def _is_of(content: str) -> Clause:
    return Clause(must=(equals("content_hash", content),))


def _is_under(claim: str) -> Clause:
    return Clause(must=(equals("claim", claim),))


def _known_before(entries: Sequence[IndexEntry], known: set[MemoryId]) -> list[MemoryId]:
    """Return which ids of a call were known; they all are once the call is done."""
    ids = [*dict.fromkeys(entry.memory.id for entry in entries)]
    before = [id for id in ids if id in known]
    known.update(ids)
    return before
