"""The judgement of a round: what was acknowledged exists exactly once, and nothing else exists."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.echo import ANSWER
from tests.e2e.cluster.ledger import Ledger, Sent
from tests.e2e.cluster.letters import letters_of
from tests.e2e.cluster.memory import Reader, index_points
from tests.e2e.cluster.people import Who

_ASKED_AT_ONCE = 8


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the writes of a round; everything but the counts names turns or ids, and should be empty.

    `attempts` is how many it took to apply an event, at most. `unfinished` are acknowledged events whose receipt does
    not say stored, `twice` texts or ids that exist more than once, `foreign` what nobody of that scope wrote, `strays`
    points of the index that no listing tells, or the other way round.
    """

    acknowledged: int
    in_doubt: int
    attempts: int
    lost: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()

    @property
    def faults(self) -> dict[str, tuple[str, ...]]:
        """What is not as it should be, by name; the first ten of each."""
        named = {field: value for field, value in msgspec.structs.asdict(self).items() if isinstance(value, tuple)}
        return {name: found[:10] for name, found in named.items() if found}


async def judge(cluster: Cluster, ledger: Ledger) -> Verdict:
    """Look at everything, once the cluster is drained."""
    people = ledger.people
    async with Reader(cluster.urls[0]) as reader:
        pages = {who: await reader.pages(who) for who in people}
        receipts = await _receipts(reader, ledger.sent)
    said = {who: {text for sent in ledger.sent if sent.who == who for text in _told(sent)} for who in people}
    texts = {who: Counter(page["text"] for page in listed) for who, listed in pages.items()}
    ids = Counter(page["id"] for listed in pages.values() for page in listed)
    dead = [letter for who in people for letter in (await letters_of(cluster, who.user_id)).items()]
    return Verdict(
        acknowledged=ledger.acknowledged,
        in_doubt=len(ledger.sent) - ledger.acknowledged,
        lost=tuple(text for sent in ledger.sent for text in _missing(sent, pages[sent.who])),
        unfinished=tuple(f"{event_id}: {state}" for event_id, state, _ in receipts if state != "stored"),
        attempts=max((attempts for *_, attempts in receipts), default=0),
        twice=tuple(name for counter in (*texts.values(), ids) for name, number in counter.items() if number > 1),
        foreign=tuple(text for who, counter in texts.items() for text in counter if text not in said[who]),
        strays=await _strays(cluster, people, set(ids)),
        dead=tuple(f"{entry_id}: {fields.get(b'error', b'').decode()}" for entry_id, fields in dead),
    )


def _told(sent: Sent) -> Sequence[str]:
    return (*sent.texts, *(f"{ANSWER}{text}" for text in sent.texts))


def _missing(sent: Sent, pages: Sequence[dict[str, Any]]) -> list[str]:
    """Return which texts of an acknowledged write are not among the pages of its event."""
    if sent.event_id is None:
        return []
    held = {page["text"] for page in pages if page["event_id"] == sent.event_id}
    expected = sent.texts if sent.kind in ("add", "named add") else _told(sent)
    return [f"{sent.event_id}: {text}" for text in expected if text not in held]


async def _receipts(reader: Reader, sent: Sequence[Sent]) -> list[tuple[str, str, int]]:
    """Return of every acknowledged event its id, its state, and how many attempts it took."""
    at_once = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def ask(who: Who, event_id: str) -> tuple[str, str, int]:
        async with at_once:
            return event_id, *await reader.receipt(who, event_id)

    return await asyncio.gather(*(ask(each.who, each.event_id) for each in sent if each.event_id is not None))


async def _strays(cluster: Cluster, people: Sequence[Who], listed: set[str]) -> tuple[str, ...]:
    payloads = {point["id"]: point["payload"] for point in await index_points(cluster.qdrant.url)}
    held = {
        id_
        for id_, payload in payloads.items()
        if payload.get("page", "").startswith('{"kind":"page"')
        and Who(user_id=payload["user_id"], tenant=payload["tenant_id"]) in people
    }
    return tuple(sorted(held ^ listed))
