"""What comes again, or too late, changes nothing: after an edit, a deletion or an erasure, and from another gateway."""

import asyncio

import httpx
import pytest

from tests.e2e.cluster.cluster import DEAD, Cluster, Fields
from tests.e2e.cluster.letters import dlq
from tests.e2e.cluster.memory import Reader
from tests.e2e.cluster.people import Who

pytestmark = pytest.mark.asyncio(loop_scope="session")

_DRAIN_S = 30.0


def _client(cluster: Cluster, who: Who, *, gateway: int = 0) -> httpx.AsyncClient:
    url = cluster.urls[gateway]
    return httpx.AsyncClient(base_url=url, headers=who.headers, trust_env=False, verify=False, timeout=30)


async def _add(client: httpx.AsyncClient, who: Who, text: str, *, event_id: str) -> httpx.Response:
    body = {"user_id": who.user_id, "role": "user", "content": text, "event_id": event_id}
    return await client.post("/v1/memory/add", json=body)


async def _erase(client: httpx.AsyncClient, who: Who) -> None:
    """Erase a user completely, as soon as the stores answer again."""
    async with asyncio.timeout(_DRAIN_S):
        while True:
            response = await client.delete(f"/v1/memory/users/{who.user_id}")
            if response.status_code == 200 and response.json()["state"] == "complete":
                return
            await asyncio.sleep(0.1)


async def _entries_of(cluster: Cluster, *event_ids: str) -> list[Fields]:
    """Return the entries of events as they went over the stream; the tap keeps them there."""
    wanted = {event_id.encode() for event_id in event_ids}
    return [fields for _, fields in await cluster.entries() if fields.get(b"event_id") in wanted]


async def test_redelivery_after_an_edit_and_a_deletion_changes_nothing(cluster: Cluster, reader: Reader) -> None:
    who = Who(user_id="editor")
    async with _client(cluster, who) as client:
        added = [await _add(client, who, f"turn {n}", event_id=f"edited-{n}") for n in range(3)]
        edited, deleted, _ = [response.raise_for_status().json()["memory_ids"][0] for response in added]
        await cluster.drained(within_s=_DRAIN_S)
        query = {"user_id": who.user_id}
        (await client.patch(f"/v1/memory/{edited}", params=query, json={"text": "mended"})).raise_for_status()
        (await client.delete(f"/v1/memory/{deleted}", params=query)).raise_for_status()
    before = await reader.export(who)

    for fields in 2 * await _entries_of(cluster, "edited-0", "edited-1", "edited-2"):
        await cluster.put(fields)
    await cluster.drained(within_s=_DRAIN_S)

    assert await reader.texts(who) == ["mended", "turn 2"]
    assert await reader.export(who) == before


async def test_the_same_event_at_two_gateways_is_stored_once_and_other_content_is_refused(
    cluster: Cluster, reader: Reader
) -> None:
    who = Who(user_id="twice")
    async with _client(cluster, who) as one, _client(cluster, who, gateway=1) as other:
        race = [_add(client, who, f"turn {n}", event_id=f"raced-{n}") for n in range(10) for client in (one, other)]
        answers = await asyncio.gather(*race)
        await cluster.drained(within_s=_DRAIN_S)
        late = [await _add(client, who, "turn 0", event_id="raced-0") for client in (one, other)]
        reused = [await _add(client, who, "something else", event_id="raced-0") for client in (one, other)]

    assert {answer.status_code for answer in [*answers, *late]} == {202}
    assert {answer.json()["state"] for answer in late} == {"stored"}
    assert [(answer.status_code, answer.json()["error"]["code"]) for answer in reused] == [(409, "event_id_reused")] * 2
    assert await reader.texts(who) == sorted(f"turn {n}" for n in range(10))


async def test_an_erased_users_events_in_the_stream_stay_erased(cluster: Cluster, reader: Reader) -> None:
    who, neighbour = Who(user_id="erased-stream"), Who(user_id="erased-stream", tenant="acme")
    await asyncio.gather(*(worker.kill() for worker in cluster.workers))
    async with _client(cluster, who) as client, _client(cluster, neighbour) as other:
        (await _add(client, who, "before", event_id="erased-1")).raise_for_status()
        (await _add(other, neighbour, "of a neighbour", event_id="erased-1")).raise_for_status()
        entries = await _entries_of(cluster, "erased-1")
        receipt = (await client.delete(f"/v1/memory/users/{who.user_id}")).raise_for_status().json()
        for fields in entries:  # as if one had been on its way
            await cluster.put(fields)
        (await _add(client, who, "after", event_id="erased-2")).raise_for_status()
        await cluster.revive()
        await cluster.drained(within_s=_DRAIN_S)

    assert (len(entries), receipt["state"]) == (2, "complete")
    assert await reader.texts(who) == ["after"]
    assert await reader.texts(neighbour) == ["of a neighbour"]


async def test_an_erased_users_dead_letters_stay_erased(cluster: Cluster, reader: Reader) -> None:
    who = Who(user_id="erased-dead")
    async with _client(cluster, who) as client:
        (await _add(client, who, "before", event_id="dead-1")).raise_for_status()
        await cluster.drained(within_s=_DRAIN_S)
        (fields,) = await _entries_of(cluster, "dead-1")
        await cluster.put({**fields, b"payload": fields[b"payload"].replace(b'"v":1', b'"v":2')})
        await cluster.drained(within_s=_DRAIN_S)
        letters = [letter for _, letter in await cluster.entries(DEAD) if letter[b"event_id"] == b"dead-1"]
        (await client.delete(f"/v1/memory/users/{who.user_id}")).raise_for_status()
        left = [letter for _, letter in await cluster.entries(DEAD) if letter[b"event_id"] == b"dead-1"]

    mended = {**letters[0], b"payload": letters[0][b"payload"].replace(b'\\"v\\":2', b'\\"v\\":1')}
    letter_id = await cluster.put(mended, stream=DEAD)
    replayed = await dlq(cluster, "replay", letter_id)
    await cluster.drained(within_s=_DRAIN_S)

    assert (len(letters), left, replayed.code) == (1, [], 0), replayed.stderr
    assert await reader.texts(who) == []


async def test_an_erased_users_events_in_an_outbox_stay_erased(cluster: Cluster, reader: Reader) -> None:
    who, late = Who(user_id="erased-outbox"), cluster.gateways[1]
    async with _client(cluster, who) as client, _client(cluster, who, gateway=1) as away:
        (await _add(client, who, "in the stream", event_id="outbox-1")).raise_for_status()
        await cluster.redis.kill()
        kept = await _add(away, who, "in an outbox", event_id="outbox-2")
        await late.kill()
        await cluster.redis.start()
        await _erase(client, who)
        await late.start()
        await cluster.drained(within_s=_DRAIN_S)

    assert kept.status_code == 202
    assert await reader.texts(who) == []
