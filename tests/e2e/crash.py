"""One round of the crash test: clients write, the process is killed, and every acknowledgement is asked for again."""

import asyncio
import random
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.support.process import serving

ADDERS = 4
CHATTERS = 2
STREAMERS = 2

_VERIFY_S = 120.0
_ASKED_AT_ONCE = 8


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One turn that a client sent; no two have the same text. `event_id` None: not acknowledged."""

    user_id: str
    text: str
    event_id: str | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the acknowledged turns; `in_doubt` counts the turns that were not acknowledged."""

    acknowledged: int
    in_doubt: int
    lost: tuple[str, ...]
    twice: tuple[str, ...]


class Ledger:
    """Everything that was sent so far, over all rounds on one data directory."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self._numbers = count()

    def next_text(self, kind: str) -> str:
        """Return a text that nobody sent before."""
        return f"{kind} turn number {next(self._numbers)}"

    @property
    def acknowledged(self) -> int:
        """How many turns were acknowledged."""
        return sum(said.event_id is not None for said in self.said)


async def crash_round(data_dir: Path, ledger: Ledger, *, seed: int, more: int) -> Figures:
    """Write from several clients, kill the process after about `more` acknowledgements, start again and look."""
    chance = random.Random(seed)
    goal = ledger.acknowledged + chance.randint(more // 2, more)
    async with serving(data_dir) as gateway, _client(gateway.url) as client:
        reached = asyncio.Event()
        kinds = [_add] * ADDERS + [_chat] * CHATTERS + [_stream] * STREAMERS
        async with asyncio.TaskGroup() as tasks:
            for number, kind in enumerate(kinds):
                user_id = f"user-{number % 3}"
                tasks.create_task(_keep_writing(kind, client, user_id, ledger, goal=goal, reached=reached))
            await reached.wait()
            await gateway.kill()
    async with serving(data_dir) as gateway, _client(gateway.url) as client, asyncio.timeout(_VERIFY_S):
        return await _look(client, ledger.said)


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=20)


async def _keep_writing(
    kind: Any, client: httpx.AsyncClient, user_id: str, ledger: Ledger, *, goal: int, reached: asyncio.Event
) -> None:
    alive = True
    while alive:
        text = ledger.next_text(kind.__name__.strip("_"))
        try:
            event_id = await kind(client, user_id, text)
        except httpx.TransportError:  # the kill: whether this turn was stored is open
            event_id, alive = None, False
        ledger.said.append(Said(user_id=user_id, text=text, event_id=event_id))
        if ledger.acknowledged >= goal:
            reached.set()


async def _add(client: httpx.AsyncClient, user_id: str, text: str) -> str | None:
    body = {"user_id": user_id, "role": "user", "content": text}
    response = await client.post("/v1/memory/add", json=body)
    event_id: str = response.raise_for_status().json()["event_id"]
    return event_id


async def _chat(client: httpx.AsyncClient, user_id: str, text: str) -> str | None:
    body = {"model": "any", "messages": [{"role": "user", "content": text}]}
    response = await client.post("/v1/chat/completions", json=body, headers={"X-User-ID": user_id})
    event_id: str | None = response.raise_for_status().headers.get("x-memoryos-event")
    return event_id


async def _stream(client: httpx.AsyncClient, user_id: str, text: str) -> str | None:
    body = {"model": "any", "stream": True, "messages": [{"role": "user", "content": text}]}
    async with client.stream("POST", "/v1/chat/completions", json=body, headers={"X-User-ID": user_id}) as response:
        answer = await response.raise_for_status().aread()
    is_acknowledged = answer.endswith(b"data: [DONE]\n\n") and b": memory not stored" not in answer
    return response.headers.get("x-memoryos-event") if is_acknowledged else None


async def _look(client: httpx.AsyncClient, said: list[Said]) -> Figures:
    acknowledged = [(turn, turn.event_id) for turn in said if turn.event_id is not None]
    at_once = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def is_lost(turn: Said, event_id: str) -> bool:
        async with at_once:
            return not await _is_stored(client, turn.user_id, event_id)

    answers = await asyncio.gather(*(is_lost(turn, event_id) for turn, event_id in acknowledged))
    lost = [turn.text for (turn, _), lost in zip(acknowledged, answers, strict=True) if lost]
    texts: Counter[str] = Counter()
    ids: Counter[str] = Counter()
    for user_id in sorted({turn.user_id for turn in said}):
        for item in await _list_all(client, user_id):
            texts[item["text"]] += 1
            ids[item["id"]] += 1
    lost += [turn.text for turn, _ in acknowledged if not texts[turn.text]]
    twice = [name for counter in (texts, ids) for name, number in counter.items() if number > 1]
    return Figures(
        acknowledged=len(acknowledged),
        in_doubt=len(said) - len(acknowledged),
        lost=tuple(dict.fromkeys(lost)),
        twice=tuple(twice),
    )


async def _is_stored(client: httpx.AsyncClient, user_id: str, event_id: str) -> bool:
    """Return whether an event is known and ends as stored; what was queued when the process died is applied first."""
    while True:
        response = await client.get(f"/v1/memory/events/{event_id}", params={"user_id": user_id})
        if response.status_code != 200:
            return False
        state = response.json()["state"]
        if state in ("stored", "dead"):
            return bool(state == "stored")
        await asyncio.sleep(0.01)


async def _list_all(client: httpx.AsyncClient, user_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    query = {"user_id": user_id, "limit": "200"}
    while True:
        answer = (await client.get("/v1/memory", params=query)).raise_for_status().json()
        items += answer["items"]
        if answer["next_cursor"] is None:
            return items
        query["cursor"] = answer["next_cursor"]
