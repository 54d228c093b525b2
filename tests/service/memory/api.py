"""The memory routes as a client of one user calls them."""

from typing import Any

import httpx

JSON = {"content-type": "application/json"}


class MemoryApi:
    """Speaks for one user; every call but `post_add` and `post_search` wants a 2xx and returns the decoded body."""

    def __init__(self, client: httpx.AsyncClient, user_id: str) -> None:
        self.client = client
        self.user_id = user_id

    async def post_add(self, content: str | None = "tea", **fields: Any) -> httpx.Response:
        """Send an add; without `messages` it is one turn of the user."""
        turn = {} if "messages" in fields else {"role": "user", "content": content}
        return await self.client.post("/v1/memory/add", json={"user_id": self.user_id, **turn, **fields})

    async def add(self, content: str | None = "tea", **fields: Any) -> Any:
        """Add and wait until it is searchable, unless `wait` says otherwise."""
        return _body(await self.post_add(content, **{"wait": "searchable", **fields}))

    async def post_search(self, query: str, **fields: Any) -> httpx.Response:
        """Send a search."""
        return await self.client.post("/v1/memory/search", json={"user_id": self.user_id, "query": query, **fields})

    async def search(self, query: str, **fields: Any) -> Any:
        """Return the hits."""
        return _body(await self.post_search(query, **fields))["hits"]

    async def retrieve(self, query: str, **fields: Any) -> Any:
        """Return the context."""
        body = {"user_id": self.user_id, "query": query, **fields}
        return _body(await self.client.post("/v1/memory/retrieve", json=body))

    async def list_page(self, **query: Any) -> Any:
        """Return one stretch of the listing."""
        return _body(await self.client.get("/v1/memory", params={"user_id": self.user_id, **query}))

    async def list_all(self, **query: Any) -> list[dict[str, Any]]:
        """Return every item, following the cursors."""
        answer = await self.list_page(**query)
        items: list[dict[str, Any]] = answer["items"]
        while cursor := answer["next_cursor"]:
            answer = await self.list_page(**query, cursor=cursor)
            items += answer["items"]
        return items

    async def texts(self) -> list[str]:
        """Return the texts of the listing."""
        return [item["text"] for item in await self.list_all()]

    async def get(self, memory_id: str) -> httpx.Response:
        """Ask for one memory."""
        return await self.client.get(f"/v1/memory/{memory_id}", params={"user_id": self.user_id})

    async def delete(self, memory_id: str) -> httpx.Response:
        """Delete one memory."""
        return await self.client.delete(f"/v1/memory/{memory_id}", params={"user_id": self.user_id})

    async def event(self, event_id: str) -> httpx.Response:
        """Ask for the receipt of an event."""
        return await self.client.get(f"/v1/memory/events/{event_id}", params={"user_id": self.user_id})


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return what stands under ``error``, after checking the shape that every error has."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["x-request-id"]
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"]
    error: dict[str, Any] = body["error"]
    return error


def _body(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()
