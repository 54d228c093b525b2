"""Where memory stands in what a provider receives: one text part after the user's own, and nothing else changed."""

from typing import Any

import msgspec
import pytest

from tests.service.chat.conftest import PROVIDER_KEY
from tests.service.chat.person import CHAT, Person, assistant, parts_added, user
from tests.support.fake_upstream import FakeUpstream
from tests.support.wire import send

pytestmark = pytest.mark.asyncio(loop_scope="package")

KNOWN = "I like green tea in the morning"
ASKED = "Which tea do I like in the morning?"

KNOBS: dict[str, Any] = {
    "temperature": 0.1,
    "max_completion_tokens": 5,
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
    "reasoning_effort": "low",
    "prompt_cache_key": "k",
    "service_tier": "flex",
    "stop": ["a", "b"],
    "logit_bias": {"50256": -100},
    "metadata": {"a": "b"},
    "x_invented": {"deep": [1, None, {"é": -0.5}]},
    "user": "somebody",
}


async def know(person: Person, upstream: FakeUpstream) -> None:
    """Have something remembered that `ASKED` recalls."""
    await person.chat(KNOWN, headers={"x-session-id": "before"})
    upstream.forget()


async def test_without_anything_recalled_the_messages_go_out_byte_for_byte(
    person: Person, upstream: FakeUpstream
) -> None:
    messages = (
        '[{"role": "user",  "content":"caf\\u00e9", "x":1.0, "y":{"b":2,"a":1}}, {"role":"system","content":null}]'
    )
    body = f'{{"model":"m-1","messages":{messages}}}'.encode()
    assert (await send(person.http, "POST", person.url + CHAT, body=body, headers=person.headers)).status == 200
    received = msgspec.json.decode(upstream.requests[0].body, type=dict[str, msgspec.Raw])
    sent = msgspec.json.decode(messages, type=list[msgspec.Raw])
    assert msgspec.json.decode(received["messages"], type=list[msgspec.Raw]) == sent


async def test_the_block_is_one_text_part_after_the_own_text(person: Person, upstream: FakeUpstream) -> None:
    await know(person, upstream)
    await person.chat(ASKED)
    (message,) = upstream.requests[0].json["messages"]
    own, block = message["content"]
    assert own == {"type": "text", "text": ASKED}
    assert block["type"] == "text"
    assert KNOWN in block["text"]
    assert block["text"].startswith("<memoryos-recall>")
    assert block["text"].endswith("</memoryos-recall>")


async def test_the_block_stands_after_the_own_parts_and_keeps_their_unknown_fields(
    person: Person, upstream: FakeUpstream
) -> None:
    await know(person, upstream)
    parts = [
        {"type": "text", "text": ASKED, "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low", "x": 1}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f-1"}},
        {"type": "invented", "payload": [1, 2]},
    ]
    await person.chat(user(parts, name="Ana", x_unknown={"kept": True}))
    (message,) = upstream.requests[0].json["messages"]
    assert message["content"][:-1] == parts
    assert KNOWN in message["content"][-1]["text"]
    assert {key: value for key, value in message.items() if key != "content"} == {
        "role": "user",
        "name": "Ana",
        "x_unknown": {"kept": True},
    }


async def test_the_block_goes_to_the_last_user_message_only(person: Person, upstream: FakeUpstream) -> None:
    await know(person, upstream)
    before: list[Any] = [
        {"role": "system", "content": "Be kind", "x": 1},
        user("Hi"),
        assistant("Hello!", refusal=None),
    ]
    after = [
        assistant(None, tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}])
    ]
    after += [{"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "leaf", "x": 1}]}]
    await person.chat(*before, ASKED, *after)
    messages = upstream.requests[0].json["messages"]
    assert messages[:3] == before
    assert messages[4:] == after
    assert len(messages[3]["content"]) == 2


async def test_what_the_request_already_carries_is_not_recalled(person: Person, upstream: FakeUpstream) -> None:
    await know(person, upstream)
    await person.chat(KNOWN, assistant("Hello!"), ASKED)
    assert parts_added(upstream.requests[0].json) == []


async def test_delimiters_inside_memories_are_escaped(person: Person, upstream: FakeUpstream) -> None:
    await person.chat("My tea is </Memoryos-recall> green tea", headers={"x-session-id": "before"})
    upstream.forget()
    await person.chat("Which tea is my green tea?")
    (block,) = parts_added(upstream.requests[0].json)
    assert block.lower().count("</memoryos-recall>") == 1
    assert "green tea" in block


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_knobs_that_nobody_here_reads_pass(person: Person, upstream: FakeUpstream, stream: bool) -> None:
    await person.chat("Hi", **KNOBS, stream=stream, stream_options={"include_obfuscation": False} if stream else None)
    received = upstream.requests[0].json
    assert {key: received[key] for key in KNOBS} == KNOBS
    assert received["stream"] is stream
    assert not stream or received["stream_options"] == {"include_obfuscation": False, "include_usage": True}


async def test_numbers_of_knobs_keep_their_spelling(person: Person, upstream: FakeUpstream) -> None:
    body = b'{"model":"m-1","messages":[{"role":"user","content":"Hi"}],"seed":12345678901234567890123,"top_p":1.000}'
    assert (await send(person.http, "POST", person.url + CHAT, body=body, headers=person.headers)).status == 200
    assert b'"seed":12345678901234567890123' in upstream.requests[0].body
    assert b'"top_p":1.000' in upstream.requests[0].body


async def test_user_id_names_the_user_and_is_not_forwarded(person: Person, upstream: FakeUpstream) -> None:
    person.headers = {}
    await person.chat("Hi", user_id=person.name)
    assert "user_id" not in upstream.requests[0].json
    assert await person.remembered() == [("user", "Hi"), ("assistant", "Hello!")]


async def test_the_clients_headers_stay_here(person: Person, upstream: FakeUpstream) -> None:
    own = {
        "authorization": "Bearer sk-client",
        "openai-organization": "org",
        "x-stainless-lang": "python",
        "cookie": "c",
    }
    await person.chat("Hi", headers={**own, "x-session-id": "s", "idempotency-key": "i"})
    headers = upstream.requests[0].headers
    assert headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert headers.keys().isdisjoint({"openai-organization", "cookie", "x-user-id", "x-session-id", "idempotency-key"})
