"""Tool loops: one user turn, several requests, one block of memory, byte for byte the same in all of them."""

from typing import Any

import pytest

from tests.service.chat.person import Person, assistant, parts_added
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")

ASKED = "Which tea do I like?"
SESSIONS: list[Any] = [pytest.param({}, id="no session"), pytest.param({"x-session-id": "s"}, id="named session")]


def call(number: int) -> dict[str, Any]:
    """Return a tool call of an assistant message."""
    return {"id": f"call_{number}", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def loop(*numbers: int) -> list[dict[str, Any]]:
    """Return the messages of so many finished rounds of a tool loop."""
    rounds = [
        [assistant(None, tool_calls=[call(n)]), {"role": "tool", "tool_call_id": f"call_{n}", "content": f"leaf {n}"}]
        for n in numbers
    ]
    return [message for messages in rounds for message in messages]


@pytest.mark.parametrize("headers", SESSIONS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_block_of_a_tool_loop_stays_the_same_while_memory_grows(
    person: Person, upstream: FakeUpstream, headers: dict[str, str], stream: bool
) -> None:
    await person.chat("The tea I like is green tea", headers={"x-session-id": "before"})
    upstream.forget()
    upstream.next(Reply.tools(("call_1", "look", "{}")))
    await person.chat(ASKED, headers=headers, stream=stream)
    await person.chat("The tea I like is now black tea", headers={"x-session-id": "meanwhile"})
    upstream.next(Reply.tools(("call_2", "look", "{}")))
    await person.chat(ASKED, *loop(1), headers=headers, stream=stream)
    upstream.next(Reply.text("Black."))
    await person.chat(ASKED, *loop(1, 2), headers=headers, stream=stream)
    first, _, second, third = [request.json["messages"] for request in upstream.requests]
    assert "green" in str(first[0])
    assert first[0] == second[0] == third[0]
    assert second[1:] == loop(1)
    assert third[1:] == loop(1, 2)


async def test_a_tool_loop_that_began_with_nothing_recalled_stays_without(
    person: Person, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.tools(("call_1", "look", "{}")))
    await person.chat(ASKED)
    await person.chat("The tea I like is green tea", headers={"x-session-id": "meanwhile"})
    await person.chat(ASKED, *loop(1))
    assert parts_added(upstream.requests[-1].json) == []


@pytest.mark.parametrize("headers", SESSIONS)
async def test_a_tool_loop_is_remembered_as_one_turn_and_its_answer(
    person: Person, upstream: FakeUpstream, headers: dict[str, str]
) -> None:
    upstream.next(Reply.tools(("call_1", "look", "{}")), Reply.tools(("call_2", "look", "{}")), Reply.text("Black."))
    for rounds in ((), (1,), (1, 2)):
        await person.chat(ASKED, *loop(*rounds), headers=headers)
    assert await person.remembered() == [("user", ASKED), ("assistant", "Black.")]


async def test_a_later_tool_loop_of_a_client_without_history_is_one_turn_too(
    person: Person, upstream: FakeUpstream
) -> None:
    headers = {"x-session-id": "s"}
    await person.chat("Hi", headers=headers)
    upstream.next(Reply.tools(("call_1", "look", "{}")), Reply.text("Black."))
    await person.chat(ASKED, headers=headers)
    await person.chat(ASKED, *loop(1), headers=headers)
    expected = [("user", "Hi"), ("assistant", "Hello!"), ("user", ASKED), ("assistant", "Black.")]
    assert await person.remembered() == expected


async def test_a_round_that_only_calls_tools_names_an_event_that_exists(person: Person, upstream: FakeUpstream) -> None:
    upstream.next(Reply.tools(("call_1", "look", "{}")), Reply.tools(("call_2", "look", "{}")))
    first = await person.chat(ASKED)
    second = await person.chat(ASKED, *loop(1))
    assert (await person.event(first.headers["x-memoryos-event"])).status == 200
    assert second.headers["x-memoryos-event"] == first.headers["x-memoryos-event"]


async def test_the_next_turn_after_a_tool_loop_adds_only_itself(person: Person, upstream: FakeUpstream) -> None:
    upstream.next(Reply.tools(("call_1", "look", "{}")), Reply.text("Black."), Reply.text("Gladly."))
    await person.chat(ASKED)
    await person.chat(ASKED, *loop(1))
    await person.chat(ASKED, *loop(1), assistant("Black."), "Thanks")
    expected = [("user", ASKED), ("assistant", "Black."), ("user", "Thanks"), ("assistant", "Gladly.")]
    assert await person.remembered() == expected
