"""What a provider wants back with its tool calls is gone with the user whose conversation it belongs to."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from memoryos_adapters.settings import LlmProviderSettings, LlmSettings
from tests.service.chat.person import Person, user
from tests.support.completion import Completion
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway, make_settings, running_gateway
from tests.support.replies import Reply

MODEL = "deepseek-v4-flash"
THOUGHTS = "Look the weather up."
CALL = ("call_1", "weather", "{}")
CALLED = Reply(completion=Completion(reasoning=THOUGHTS, tools=(CALL,), finish_reason="tool_calls"))
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


@pytest.fixture
async def gateway(tmp_path: Path, thinker: FakeUpstream) -> AsyncIterator[RunningGateway]:
    """A gateway in front of the model that thinks."""
    provider = LlmProviderSettings(kind="deepseek", base_url=thinker.base_url)
    llm = LlmSettings(default_provider="thinker", providers={"thinker": provider})
    async with running_gateway(make_settings(tmp_path / "data", llm=llm)) as running:
        yield running


async def chat(person: Person, *messages: Any) -> None:
    answer = await person.chat(*messages, model=MODEL, tools=TOOLS)
    assert answer.status == 200, answer.body


async def thoughts_sent(person: Person, thinker: FakeUpstream) -> str:
    """Return the thoughts that go out beside a call, when a client that lost them comes back with its result."""
    id_, name, arguments = CALL
    call = {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    await chat(person, user("Is it raining?"), asked, {"role": "tool", "tool_call_id": id_, "content": "yes"})
    sent: str = thinker.requests[-1].json["messages"][1]["reasoning_content"]
    return sent


async def test_an_erasure_takes_the_thoughts_of_the_user_and_nobody_elses(
    http: aiohttp.ClientSession, gateway: RunningGateway, thinker: FakeUpstream
) -> None:
    ana, bob = (Person(http, gateway.url, name, headers={"x-user-id": name}) for name in ("ana", "bob"))
    for person in (ana, bob):
        thinker.next(CALLED)
        await chat(person, "Is it raining?")
        assert await thoughts_sent(person, thinker) == THOUGHTS

    async with http.delete(f"{gateway.url}/v1/memory/users/ana") as erased:
        assert (await erased.json())["state"] == "complete"

    assert [await thoughts_sent(person, thinker) for person in (ana, bob)] == ["", THOUGHTS]
