"""Somebody who chats through the gateway and looks at what it remembers of them, all from outside."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from tests.support.wire import Answer, send

CHAT = "/v1/chat/completions"
PATIENCE_S = 10


def user(content: Any, **fields: Any) -> dict[str, Any]:
    """Return a user message."""
    return {"role": "user", "content": content, **fields}


def assistant(content: Any, **fields: Any) -> dict[str, Any]:
    """Return an assistant message."""
    return {"role": "assistant", "content": content, **fields}


class Person:
    """A user of one gateway. Waits, where it waits, by asking again, and for PATIENCE_S at most."""

    def __init__(self, http: aiohttp.ClientSession, url: str, name: str, *, headers: Mapping[str, str]) -> None:
        self.http, self.url, self.name = http, url, name
        self.headers = dict(headers)
        self._events: set[str] = set()

    async def chat(
        self, *messages: Any, headers: Mapping[str, str] | None = None, path: str = CHAT, **fields: Any
    ) -> Answer:
        """Send these messages (a text is a user message); `fields` are further fields of the body."""
        return await self.post(self.body(*messages, **fields), headers=headers, path=path)

    async def post(self, body: bytes, *, headers: Mapping[str, str] | None = None, path: str = CHAT) -> Answer:
        """Send these bytes as a chat."""
        answer = await send(self.http, "POST", self.url + path, body=body, headers={**self.headers, **(headers or {})})
        if event_id := answer.headers.get("x-memoryos-event"):
            self._events.add(event_id)
        return answer

    def body(self, *messages: Any, **fields: Any) -> bytes:
        """Return the body of a chat with these messages."""
        said = [user(message) if isinstance(message, str) else message for message in messages]
        return msgspec.json.encode({"model": "m-1", "messages": said, **fields})

    async def get(self, path: str) -> Answer:
        """Get a path of the memory side for this user."""
        mark = "&" if "?" in path else "?"
        url = f"{self.url}{path}{mark}user_id={self.name}"
        return await send(self.http, "GET", url, headers=self.headers)

    async def event(self, event_id: str) -> Answer:
        """Ask for the receipt of an event."""
        return await self.get(f"/v1/memory/events/{event_id}")

    async def search(self, query: str) -> list[dict[str, Any]]:
        """Search this user's memory."""
        body = msgspec.json.encode({"user_id": self.name, "query": query})
        answer = await send(self.http, "POST", f"{self.url}/v1/memory/search", body=body, headers=self.headers)
        hits: list[dict[str, Any]] = answer.json["hits"]
        return hits

    async def items(self) -> list[dict[str, Any]]:
        """Return all that is remembered, oldest first, once every event that was acknowledged is applied."""
        async with asyncio.timeout(PATIENCE_S):
            for event_id in self._events:
                while (await self.event(event_id)).json.get("state") != "stored":
                    pass
        items: list[dict[str, Any]] = (await self.get("/v1/memory?limit=200")).json["items"]
        return items[::-1]

    async def remembered(self) -> list[tuple[str, str]]:
        """Return role and text of all that is remembered, oldest first."""
        return [(item["role"], item["text"]) for item in await self.items()]

    async def will_remember(self, *expected: tuple[str, str]) -> None:
        """Wait until exactly this is remembered, and applied: for exchanges whose client did not stay for the end."""
        found: list[tuple[str, str]] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                while found != list(expected):
                    items = await self.items()
                    found = [(item["role"], item["text"]) for item in items]
                self._events.update(item["event_id"] for item in items)
                await self.items()
        except TimeoutError:
            assert found == list(expected)
            raise


def memory_report(answer: Answer) -> dict[str, str]:
    """Return the fields of ``x-memoryos-memory``."""
    fields = answer.headers["x-memoryos-memory"].split("; ")
    return dict(field.split("=", 1) for field in fields)


def parts_added(sent: Any) -> list[str]:
    """Return the texts of recalled blocks in the messages that a provider received."""
    parts = [
        part for message in sent["messages"] if isinstance(message["content"], list) for part in message["content"]
    ]
    return [part["text"] for part in parts if "memoryos-recall" in part.get("text", "")]
