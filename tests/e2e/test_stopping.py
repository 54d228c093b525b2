"""SIGTERM: what is under way is finished, what is accepted is kept, and the process ends with 0."""

from pathlib import Path

import httpx

from tests.support.fake_upstream import FakeUpstream
from tests.support.process import serving
from tests.support.replies import Reply

_CHAT = {"model": "any", "messages": [{"role": "user", "content": "tell me a story"}]}


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=20)


def _flags(upstream: FakeUpstream) -> tuple[str, ...]:
    return (
        "--set",
        "llm.providers.fake.kind=openai",
        "--set",
        f"llm.providers.fake.base_url={upstream.base_url}",
        "--set",
        "memory.recall_timeout_ms=5000",
    )


async def test_a_stream_under_way_is_answered_to_its_end_and_remembered(tmp_path: Path) -> None:
    words = [f"word-{number} " for number in range(10)]
    async with FakeUpstream() as upstream:
        upstream.next(Reply.text(*words).paced(0.05))
        async with serving(tmp_path / "data", *_flags(upstream)) as gateway, _client(gateway.url) as client:
            async with client.stream("POST", "/v1/chat/completions", json={**_CHAT, "stream": True}) as response:
                pieces = response.aiter_bytes()
                answer = await anext(pieces)
                gateway.ask_to_stop()
                answer += b"".join([piece async for piece in pieces])
            code = await gateway.ended()

    assert code == 0
    assert all(word.encode() in answer for word in words)
    assert answer.endswith(b"data: [DONE]\n\n")
    assert b"memory not stored" not in answer
    async with serving(tmp_path / "data") as again, _client(again.url) as client:
        listed = (await client.get("/v1/memory", params={"user_id": "default"})).json()["items"]
    assert [item["text"] for item in listed] == ["".join(words).strip(), "tell me a story"]


async def test_asked_twice_it_does_not_wait_for_a_provider_that_hangs(tmp_path: Path) -> None:
    async with FakeUpstream() as upstream:
        upstream.next(Reply.text("once ", "upon a time").stopping("hang", after=2))
        async with (
            serving(tmp_path / "data", *_flags(upstream)) as gateway,
            _client(gateway.url) as client,
            client.stream("POST", "/v1/chat/completions", json={**_CHAT, "stream": True}) as response,
        ):
            await anext(response.aiter_bytes())
            gateway.ask_to_stop()
            await gateway.said("Shutting down")
            gateway.ask_to_stop()
            code = await gateway.ended()

    assert code == 0


async def test_a_stream_that_cannot_be_waited_for_is_told_so(tmp_path: Path) -> None:
    async with FakeUpstream() as upstream:
        upstream.next(Reply.text("once ", "upon a time").stopping("hang", after=2))
        async with serving(tmp_path / "data", *_flags(upstream)) as gateway, _client(gateway.url) as client:
            async with client.stream("POST", "/v1/chat/completions", json={**_CHAT, "stream": True}) as response:
                pieces = response.aiter_bytes()
                answer = await anext(pieces)
                gateway.ask_to_stop()
                answer += b"".join([piece async for piece in pieces])
            code = await gateway.ended()

    assert code == 0
    assert b'"code":"stopping"' in answer
    assert answer.endswith(b"data: [DONE]\n\n")


async def test_what_was_accepted_is_not_lost(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as gateway, _client(gateway.url) as client:
        turns = [{"role": "user", "content": f"turn {number}"} for number in range(40)]
        adds = [{"user_id": "ana", "messages": turns, "event_id": f"evt-{number}"} for number in range(5)]
        states = [(await client.post("/v1/memory/add", json=body)).json()["state"] for body in adds]
        gateway.ask_to_stop()
        code = await gateway.ended()

    assert (states, code) == (["queued"] * 5, 0)
    async with serving(tmp_path / "data") as again, _client(again.url) as client:
        for body in adds:
            response = await client.post("/v1/memory/add", json={**body, "wait": "searchable"})
            assert (response.status_code, response.json()["state"]) == (200, "stored")
