"""Clients that write to a cluster until they are told to stop: adds and chats, whole and streamed, of several users.

Each waits a random time between two writes, so that a round lasts as long as what happens to the cluster meanwhile.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.e2e.cluster.ledger import ChatTaken, Kind, Ledger
from tests.e2e.cluster.people import Who

KINDS: tuple[Kind, ...] = ("add", "named add", "chat", "stream", "talk")

_TRY_AGAIN_S = 0.1
_REFUSED = frozenset({429, 503})


class Writer:
    """One client of one user. `gateways` are addresses; it goes to another one when one does not answer."""

    def __init__(
        self, who: Who, kind: Kind, gateways: Sequence[str], ledger: Ledger, chance: random.Random, pace_s: float
    ) -> None:
        self._who = who
        self._kind = kind
        self._gateways = gateways
        self._ledger = ledger
        self._chance = chance
        self._pace_s = pace_s
        self._said: list[dict[str, str]] = []
        self._stopped = False
        # answers are awaited for long: how long is reported, and nothing here is in doubt because of our impatience
        self._http = httpx.AsyncClient(trust_env=False, verify=False, timeout=60, headers=who.headers)

    def stop(self) -> None:
        """Finish the write under way, and write no more."""
        self._stopped = True

    async def run(self) -> None:
        """Write until told to stop."""
        async with self._http:
            while not self._stopped:
                await self._write()
                await asyncio.sleep(self._chance.uniform(0, 2 * self._pace_s))

    async def _write(self) -> None:
        match self._kind:
            case "add":
                await self._add()
            case "named add":
                await self._named_add()
            case "chat":
                await self._chat(stream=False, named=self._chance.random() < 0.5)
            case "stream":
                await self._chat(stream=True, named=self._chance.random() < 0.5)
            case "talk":
                await self._talk()

    async def _add(self) -> None:
        """Add turns without an event_id of ours: what breaks is in doubt and not sent again."""
        texts = self._texts(self._chance.randint(1, 3))
        try:
            response = await self._post("/v1/memory/add", self._addition(texts))
        except httpx.TransportError as exc:
            self._ledger.note_break(exc)
            self._ledger.note(self._who, self._kind, texts, None)
            return
        self._ledger.note(self._who, self._kind, texts, self._event_id_of(response))

    async def _named_add(self) -> None:
        """Add turns under an event_id until it is acknowledged; some are sent again after that, to another gateway."""
        texts, event_id = self._texts(1), f"evt-{self._ledger.next_number()}"
        body = {**self._addition(texts), "event_id": event_id, "metadata": {"n": event_id}}
        told = await self._until_accepted(body)
        self._ledger.note(self._who, self._kind, texts, told)
        if told is not None and self._chance.random() < 0.25:
            self._ledger.repeated += 1
            again = await self._until_accepted(body)
            if again is not None and again != event_id:
                self._ledger.surprises.append(f"{event_id} sent again is {again}")

    async def _until_accepted(self, body: dict[str, Any]) -> str | None:
        while True:
            try:
                response = await self._post("/v1/memory/add", body)
            except httpx.TransportError as exc:
                self._ledger.note_break(exc)
                response = None
            if response is not None and response.status_code not in _REFUSED:
                return self._event_id_of(response)
            if self._stopped:
                return None
            await asyncio.sleep(_TRY_AGAIN_S)

    async def _chat(self, *, stream: bool, named: bool) -> None:
        """Chat about a new topic; under an `Idempotency-Key` it is sent until it is answered."""
        (text,) = self._texts(1)
        headers = {"idempotency-key": f"key-{self._ledger.next_number()}"} if named else {}
        messages = [{"role": "user", "content": text}]
        event_id, _ = await self._ask(messages, headers, stream=stream)
        while named and event_id is None and not self._stopped:
            await asyncio.sleep(_TRY_AGAIN_S)
            event_id, _ = await self._ask(messages, headers, stream=stream)
        self._ledger.note(self._who, self._kind, (text,), event_id)

    async def _talk(self) -> None:
        """Go on with a conversation of up to four turns, at whichever gateway; a turn that is in doubt ends it."""
        (text,) = self._texts(1)
        self._said.append({"role": "user", "content": text})
        event_id, answer = await self._ask(self._said, {}, stream=False)
        self._ledger.note(self._who, self._kind, (text,), event_id)
        self._said.append({"role": "assistant", "content": answer})
        if event_id is None or len(self._said) >= 8:
            self._said = []

    async def _ask(
        self, messages: list[dict[str, str]], headers: dict[str, str], *, stream: bool
    ) -> tuple[str | None, str]:
        body = {"model": "any", "messages": messages, "stream": stream}
        began = time.monotonic()
        try:
            response = await self._post("/v1/chat/completions", body, headers)
        except httpx.TransportError as exc:
            self._ledger.note_break(exc)
            self._note_chat(0, began, is_acknowledged=False)
            return None, ""
        is_stored = response.status_code == 200 and b": memory not stored" not in response.content
        event_id = response.headers.get("x-memoryos-event") if is_stored else None
        if stream and not response.content.endswith(b"data: [DONE]\n\n"):
            event_id = None
        self._note_chat(response.status_code, began, is_acknowledged=event_id is not None)
        answer = "" if stream or response.status_code != 200 else response.json()["choices"][0]["message"]["content"]
        return event_id, answer

    def _note_chat(self, status: int, began: float, *, is_acknowledged: bool) -> None:
        seconds = time.monotonic() - began
        self._ledger.chats.append(ChatTaken(status=status, seconds=seconds, is_acknowledged=is_acknowledged))

    def _event_id_of(self, response: httpx.Response) -> str | None:
        if response.status_code in _REFUSED:
            return None
        if response.status_code not in (200, 202):
            self._ledger.surprises.append(f"add: {response.status_code} {response.text[:300]}")
            return None
        event_id: str = response.json()["event_id"]
        return event_id

    def _addition(self, texts: tuple[str, ...]) -> dict[str, Any]:
        messages = [{"role": "user", "content": text} for text in texts]
        session = {"session_id": f"s{self._chance.randint(0, 3)}"} if self._chance.random() < 0.5 else {}
        return {"user_id": self._who.user_id, "messages": messages, **session}

    def _texts(self, number: int) -> tuple[str, ...]:
        who = f"{self._who.tenant} {self._who.user_id}"
        return tuple(f"{self._kind} number {self._ledger.next_number()} of {who}" for _ in range(number))

    async def _post(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        """Send to any gateway, and to the next one as long as they refuse the connection, as a load balancer does."""
        order = self._chance.sample(self._gateways, len(self._gateways))
        for gateway in order[:-1]:
            try:
                return await self._http.post(f"{gateway}{path}", json=body, headers=headers)
            except httpx.ConnectError:
                self._ledger.refused += 1
        return await self._http.post(f"{order[-1]}{path}", json=body, headers=headers)


@asynccontextmanager
async def writing(
    gateways: Sequence[str], ledger: Ledger, *, seed: int, pace_s: float, kinds: Sequence[Kind] = KINDS
) -> AsyncIterator[None]:
    """Let two writers of each kind write while the block runs; every write is finished at its end."""
    writers = [
        Writer(
            ledger.people[number % len(ledger.people)],
            kind,
            gateways,
            ledger,
            random.Random(f"{seed}-{number}"),
            pace_s,
        )
        for number, kind in enumerate([*kinds, *kinds])
    ]
    async with asyncio.TaskGroup() as tasks:
        for writer in writers:
            tasks.create_task(writer.run())
        try:
            yield
        finally:
            for writer in writers:
                writer.stop()
