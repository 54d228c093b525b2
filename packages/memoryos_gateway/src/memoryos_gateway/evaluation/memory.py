"""The memory of a running gateway, as a benchmark uses it."""

from collections.abc import Sequence
from typing import Any

from memoryos_gateway.evaluation.benchmark import Turn
from memoryos_gateway.gateway_client import GatewayClient
from memoryos_ports.errors import UpstreamTimeout

_ROLES = ("user", "assistant")
_WAIT_S = 60


class GatewayMemory:
    """Adds turns and searches them. Every call raises UpstreamError when the gateway does not do what it is asked."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    async def add(self, user_id: str, session_id: str, turns: Sequence[Turn]) -> list[str]:
        """Remember turns of one session, and return the ids of their memories, in order, once they can be found."""
        body = {
            "user_id": user_id,
            "session_id": session_id,
            "messages": [_message(turn) for turn in turns],
            "wait": "searchable",
            "wait_timeout_s": _WAIT_S,
        }
        answer = await self._client.send("POST", "v1/memory/add", json=body)
        if answer["state"] != "stored":
            raise UpstreamTimeout(upstream="gateway", detail=f"turns are still {answer['state']} after {_WAIT_S} s")
        ids: list[str] = answer["memory_ids"]
        return ids

    async def search(self, user_id: str, query: str, *, limit: int) -> list[str]:
        """Return the ids of the turns that a question finds, best first."""
        body = {"user_id": user_id, "query": query, "limit": limit, "kinds": ["page"]}
        return [hit["id"] for hit in (await self._client.send("POST", "v1/memory/search", json=body))["hits"]]


def _message(turn: Turn) -> dict[str, Any]:
    said = {"role": turn.speaker if turn.speaker in _ROLES else "user", "name": turn.speaker, "content": turn.text}
    return said if turn.time is None else {**said, "timestamp": turn.time}
