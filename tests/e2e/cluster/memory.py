"""What a cluster holds: asked of its gateways as a client does, and read from the index itself."""

from typing import Any

import httpx
import msgspec

from tests.e2e.cluster.people import Who

COLLECTION = "memoryos"

_AT_ONCE = 1000


class Reader:
    """Reads through one gateway as any user."""

    def __init__(self, gateway: str) -> None:
        self._http = httpx.AsyncClient(base_url=gateway, trust_env=False, verify=False, timeout=60)

    async def __aenter__(self) -> "Reader":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def pages(self, who: Who) -> list[dict[str, Any]]:
        """Return every page of a user, newest first."""
        items: list[dict[str, Any]] = []
        query = {"user_id": who.user_id, "kind": "page", "limit": "200"}
        while True:
            answer = (await self._get(who, "/v1/memory", query)).raise_for_status().json()
            items += answer["items"]
            if answer["next_cursor"] is None:
                return items
            query["cursor"] = answer["next_cursor"]

    async def texts(self, who: Who) -> list[str]:
        """Return the texts of a user's pages, sorted."""
        return sorted(page["text"] for page in await self.pages(who))

    async def receipt(self, who: Who, event_id: str) -> tuple[str, int]:
        """Return the state of an event, ``unknown`` when there is no receipt, and how many attempts it took."""
        response = await self._get(who, f"/v1/memory/events/{event_id}", {"user_id": who.user_id})
        if response.status_code == 404:
            return "unknown", 0
        receipt = response.raise_for_status().json()
        return receipt["state"], receipt["attempts"]

    async def export(self, who: Who) -> list[dict[str, Any]]:
        """Return the lines of a user's export but the first, which says when it was made."""
        response = await self._get(who, f"/v1/memory/users/{who.user_id}/export", {})
        return [msgspec.json.decode(line) for line in response.raise_for_status().content.splitlines()[1:]]

    async def _get(self, who: Who, path: str, query: dict[str, str]) -> httpx.Response:
        return await self._http.get(path, params=query, headers=who.headers)


async def index_points(qdrant: str) -> list[dict[str, Any]]:
    """Return every point of the index: ``id`` and ``payload``."""
    points: list[dict[str, Any]] = []
    async with httpx.AsyncClient(base_url=qdrant, trust_env=False, verify=False, timeout=60) as http:
        offset = None
        while True:
            wanted = {"limit": _AT_ONCE, "offset": offset, "with_payload": True, "with_vector": False}
            answer = await http.post(f"/collections/{COLLECTION}/points/scroll", json=wanted)
            found = answer.raise_for_status().json()["result"]
            points += found["points"]
            if (offset := found["next_page_offset"]) is None:
                return points
