"""What is redacted is in nothing that is kept, told or sent to an embedder; the model gets what its user wrote."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from memoryos_adapters.settings import (
    ConsolidationSettings,
    EmbeddingSettings,
    LlmProviderSettings,
    LlmSettings,
    MemorySettings,
    PrivacySettings,
    Settings,
)
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import make_settings, running_gateway
from tests.support.replies import Reply

CARD = "5555 5555 5555 4444"
MARKERS = ("@marked.example", "5555 5555")
"""What every text to be redacted holds."""

FACT_ID = "00000000-0000-4000-8000-000000000001"
MOMENT = "2026-03-01T10:00:00Z"


class Gateway(msgspec.Struct, frozen=True):
    """A client of a gateway that redacts, and all that it was told, but for the answers of the model."""

    client: httpx.AsyncClient
    told: list[str]

    async def send(self, method: str, path: str, **options: Any) -> Any:
        """Send a request of the memory side and return the decoded answer."""
        response = await self.client.request(method, path, **options)
        assert response.is_success, response.text
        self.told.append(response.text)
        is_json = response.headers["content-type"].startswith("application/json")
        return response.json() if is_json else response.text

    async def chat(self, *texts: str) -> str:
        """Say this as Ana, one message after the other, and return what the model said."""
        body = {"model": "m", "user": "ana", "messages": [{"role": "user", "content": text} for text in texts]}
        response = await self.client.post("/v1/chat/completions", json=body)
        assert response.is_success, response.text
        await self._applied(response.headers["x-memoryos-event"])
        answer: str = response.json()["choices"][0]["message"]["content"]
        return answer

    async def texts(self) -> list[str]:
        """Return the texts of Ana's pages, oldest first."""
        listed = await self.send("GET", "/v1/memory", params={"user_id": "ana"})
        return [item["text"] for item in listed["items"][::-1]]

    async def _applied(self, event_id: str) -> None:
        async with asyncio.timeout(10):
            while (await self.send("GET", f"/v1/memory/events/{event_id}?user_id=ana"))["state"] != "stored":
                pass


@pytest.fixture
def settings(tmp_path: Path, llm: FakeUpstream, embedder: FakeUpstream) -> Settings:
    """Two rules, and an embedder outside."""
    provider = LlmProviderSettings(kind="openai", base_url=llm.base_url)
    return make_settings(
        tmp_path / "data",
        llm=LlmSettings(default_provider="llm", providers={"llm": provider}),
        embedding=EmbeddingSettings(kind="openai", base_url=embedder.base_url, model="m"),
        memory=MemorySettings(recall_timeout_ms=10_000),
        consolidation=ConsolidationSettings(enabled=False),
        privacy=PrivacySettings(redact=("email", "card")),
    )


@pytest.fixture
async def gateway(settings: Settings, embedder: FakeUpstream) -> AsyncIterator[Gateway]:
    """A gateway that redacts. When it is closed, no marker is in its files, answers, or what the embedder was sent."""
    async with running_gateway(settings) as served, httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        opened = Gateway(client, [])
        yield opened
        for user in ("ana", "bob"):
            await look_everywhere(opened, user)
    embedded = [request.body for request in embedder.requests]
    kept = files_in(Path(settings.data_dir))
    for place in (embedded, kept, [text.encode() for text in opened.told]):
        assert any(b"[email]" in text for text in place)
        assert [text for text in place if any(marker.encode() in text for marker in MARKERS)] == []


def files_in(directory: Path) -> list[bytes]:
    """Return the bytes of the database, of the index, and of all else that is there."""
    return [file.read_bytes() for file in directory.rglob("*") if file.is_file()]


async def look_everywhere(gateway: Gateway, user: str) -> None:
    """Ask every route that tells something of a user."""
    one = {"user_id": user}
    pages, facts = [
        (await gateway.send("GET", "/v1/memory", params={**one, "kind": kind}))["items"] for kind in ("page", "fact")
    ]
    for item in (*pages, *facts):
        await gateway.send("GET", f"/v1/memory/{item['id']}", params=one)
        await gateway.send("GET", f"/v1/memory/{item['id']}/history", params=one)
    for path in ("profile", "sessions", "settings", "export"):
        await gateway.send("GET", f"/v1/memory/users/{user}/{path}")
    for path in ("search", "retrieve"):
        await gateway.send("POST", f"/v1/memory/{path}", json={**one, "query": "where do I get mail"})


async def add(gateway: Gateway, *messages: dict[str, str]) -> str:
    body = {"user_id": "ana", "messages": messages, "wait": "searchable"}
    added = await gateway.send("POST", "/v1/memory/add", json=body)
    id_: str = added["memory_ids"][0]
    return id_


async def test_a_chat_is_remembered_without_it_and_forwarded_with_it(gateway: Gateway, llm: FakeUpstream) -> None:
    said = f"Write to ana@marked.example, and pay with {CARD}."
    llm.next(Reply.text("I wrote to ana@marked.example."))

    assert await gateway.chat(said) == "I wrote to ana@marked.example."

    assert llm.requests[-1].json["messages"] == [{"role": "user", "content": said}]
    assert await gateway.texts() == ["Write to [email], and pay with [card].", "I wrote to [email]."]


async def test_a_prompt_quotes_what_is_redacted_and_not_what_it_carries(gateway: Gateway, llm: FakeUpstream) -> None:
    await add(gateway, {"role": "user", "content": "My mail is old@marked.example."})
    carried = "And new@marked.example is my mail at work."
    await gateway.chat(carried)

    await gateway.chat(carried, "What is my mail, is it ana@marked.example?")

    *_, (asked, block) = [message["content"] for message in llm.requests[-1].json["messages"]]
    assert asked["text"] == "What is my mail, is it ana@marked.example?"
    assert "My mail is [email]." in block["text"]
    assert "at work" not in block["text"]


async def test_an_edit_is_redacted(gateway: Gateway) -> None:
    id_ = await add(gateway, {"role": "user", "content": f"Pay with {CARD}", "name": "ana@marked.example"})

    edited = await gateway.send(
        "PATCH", f"/v1/memory/{id_}", json={"user_id": "ana", "text": f"Write to new@marked.example, not {CARD}"}
    )

    assert edited["text"] == "Write to [email], not [card]"
    history = await gateway.send("GET", f"/v1/memory/{id_}/history", params={"user_id": "ana"})
    assert [(change["old"], change["new"]) for change in history["items"]] == [
        ("Pay with [card]", "Write to [email], not [card]"),
        (None, "Pay with [card]"),
    ]


async def test_a_profile_is_redacted(gateway: Gateway) -> None:
    entry = {
        "slot": "mail",
        "value": "ana@marked.example",
        "text": "has ana@marked.example",
        "speaker": "a@marked.example",
    }

    written = await gateway.send("PUT", "/v1/memory/users/ana/profile", json={"entries": [entry], "version": 0})
    await add(gateway, {"role": "user", "content": "Mail: ana@marked.example"})

    (told,) = written["entries"]
    assert (told["value"], told["text"], told["speaker"]) == ("[email]", "has [email]", "[email]")


async def test_what_another_gateway_exported_is_redacted(gateway: Gateway) -> None:
    """Of a gateway that redacts nothing; and what is imported is edited."""
    entry = {"slot": "mail", "value": "c@marked.example", "text": "has c@marked.example"}
    await gateway.send("PUT", "/v1/memory/users/ana/profile", json={"entries": [entry], "version": 0})
    id_ = await add(gateway, {"role": "user", "content": "Write to ana@marked.example", "name": "Ana a@marked.example"})
    await gateway.send("PATCH", f"/v1/memory/{id_}", json={"user_id": "ana", "text": "Or to b@marked.example"})
    fact = {
        "kind": "fact",
        "id": FACT_ID,
        "text": "Bob pays with [card]",
        "value": "[card]",
        "speaker": "[email]",
        "valid_from": MOMENT,
        "recorded_at": MOMENT,
        "confirmed_at": MOMENT,
    }
    exported = await gateway.send("GET", "/v1/memory/users/ana/export")
    told = exported + msgspec.json.encode(fact).decode()
    unredacted = told.replace("[email]", "x@marked.example").replace("[card]", CARD)
    assert unredacted.count("@marked.example") >= 6

    report = await gateway.send(
        "POST",
        "/v1/memory/import",
        params={"user_id": "bob"},
        content=unredacted,
        headers={"content-type": "application/x-ndjson"},
    )

    assert (report["added"], report["faulty"]) == ({"page": 1, "history": 1, "profile": 1, "fact": 2}, 0)
    facts = (await gateway.send("GET", "/v1/memory", params={"user_id": "bob", "kind": "fact"}))["items"]
    assert sorted(fact["text"] for fact in facts) == ["Bob pays with [card]", "has [email]"]
    (imported,) = [fact for fact in facts if fact["name"] == "[email]"]
    edit = {"user_id": "bob", "text": f"Bob pays with {CARD} or by d@marked.example"}
    edited = await gateway.send("PATCH", f"/v1/memory/{imported['id']}", json=edit)
    assert edited["text"] == "Bob pays with [card] or by [email]"


async def test_a_question_is_redacted_like_what_it_looks_for(gateway: Gateway, embedder: FakeUpstream) -> None:
    await add(gateway, {"role": "user", "content": "ana@marked.example"})

    for path in ("search", "retrieve"):
        body = {"user_id": "ana", "query": "is it eve@marked.example"}
        await gateway.send("POST", f"/v1/memory/{path}", json=body)

    found = await gateway.send("POST", "/v1/memory/search", json={"user_id": "ana", "query": "eve@marked.example"})
    assert [hit["text"] for hit in found["hits"]] == ["[email]"]
    assert "is it [email]" in [text for request in embedder.requests for text in request.json["input"]]
