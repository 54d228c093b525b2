"""What a chat leaves in memory, for every kind of client: what is new is remembered once, and nothing else."""

import asyncio

import pytest

from memoryos_core.memory.block import render_block
from tests.service.chat.person import Person, assistant, memory_report, parts_added, user
from tests.support.fake_upstream import FakeUpstream
from tests.support.held_upstream import HeldUpstream
from tests.support.makers import make_page
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")

DATA_URL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg"


async def test_an_exchange_is_two_turns(person: Person) -> None:
    answer = await person.chat("I like tea")
    assert answer.status == 200
    assert await person.remembered() == [("user", "I like tea"), ("assistant", "Hello!")]


async def test_a_client_that_sends_its_whole_history_back_adds_only_what_is_new(
    person: Person, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.text("one"), Reply.text("two"), Reply.text("three"))
    await person.chat("a")
    await person.chat("a", assistant("one"), "b")
    await person.chat("a", assistant("one"), "b", assistant("two"), "c")
    expected = [("user", "a"), ("assistant", "one"), ("user", "b"), ("assistant", "two"), ("user", "c")]
    assert await person.remembered() == [*expected, ("assistant", "three")]
    assert len({item["session_id"] for item in await person.items()}) == 1


async def test_a_client_that_alters_the_assistants_text_is_known_all_the_same(
    person: Person, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.text("one"), Reply.text("two"))
    await person.chat("a")
    await person.chat("a", assistant("ONE, shortened"), "b")
    expected = [("user", "a"), ("assistant", "one"), ("user", "b"), ("assistant", "two")]
    assert await person.remembered() == expected


async def test_white_space_and_normal_form_do_not_make_a_turn_new(person: Person) -> None:
    await person.chat("Caf\u00e9  au\nlait")
    await person.chat(" Cafe\u0301 au lait ", assistant("Hello!"), "b")
    assert [text for role, text in await person.remembered() if role == "user"] == ["Caf\u00e9  au\nlait", "b"]


async def test_first_contact_with_history_remembers_all_user_and_assistant_text(person: Person) -> None:
    await person.chat("a", assistant("one"), "b", assistant("two"), "c")
    expected = [("user", "a"), ("assistant", "one"), ("user", "b"), ("assistant", "two"), ("user", "c")]
    assert await person.remembered() == [*expected, ("assistant", "Hello!")]


async def test_an_edited_turn_is_new_and_its_branch_stays_in_the_session(person: Person) -> None:
    await person.chat("a")
    await person.chat("a", assistant("Hello!"), "b")
    await person.chat("a", assistant("Hello!"), "b, edited")
    assert [text for role, text in await person.remembered() if role == "user"] == ["a", "b", "b, edited"]
    assert len({item["session_id"] for item in await person.items()}) == 1


async def test_a_regenerated_answer_supersedes_the_first(person: Person, upstream: FakeUpstream) -> None:
    upstream.next(Reply.text("It is nine."), Reply.text("It is ten."))
    first = await person.chat("What time is it?")
    await person.remembered()
    second = await person.chat("What time is it?")
    assert first.headers["x-memoryos-event"] != second.headers["x-memoryos-event"]
    await person.items()
    upstream.next(Reply.text("?"))
    await person.chat("So the time is nine or ten?", headers={"x-session-id": "later"})
    (block,) = parts_added(upstream.requests[-1].json)
    assert "It is ten." in block
    assert "It is nine." not in block
    assert block.count("What time is it?") == 1


async def test_a_retry_with_an_idempotency_key_is_remembered_once(person: Person, upstream: FakeUpstream) -> None:
    upstream.next(Reply.text("first"), Reply.text("second"))
    headers = {"idempotency-key": "try-1"}
    answers = [await person.chat("Pay the rent", headers=headers) for _ in range(2)]
    assert [answer.headers["x-memoryos-event"] for answer in answers] == ["try-1", "try-1"]
    assert [answer.status for answer in answers] == [200, 200]
    assert await person.remembered() == [("user", "Pay the rent"), ("assistant", "first")]


async def test_a_retry_with_an_idempotency_key_and_other_words_is_no_conflict(person: Person) -> None:
    await person.chat("one", headers={"idempotency-key": "same"})
    assert (await person.chat("other", headers={"idempotency-key": "same"})).status == 200
    assert await person.remembered() == [("user", "one"), ("assistant", "Hello!")]


async def test_the_same_request_before_its_exchange_is_stored_is_a_retry(person: Person, held: HeldUpstream) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        tries = [group.create_task(person.chat("Book it", model="held/x")) for _ in range(2)]
        for _ in tries:
            await held.arrived.get()
        held.release(4)
    first, second = [task.result() for task in tries]
    assert first.headers["x-memoryos-event"] == second.headers["x-memoryos-event"]
    assert await person.remembered() == [("user", "Book it"), ("assistant", "one, two")]


async def test_yes_said_twice_in_a_named_session_is_two_turns(person: Person) -> None:
    session = {"x-session-id": "talk"}
    events = {(await person.chat("yes", headers=session)).headers["x-memoryos-event"] for _ in range(2)}
    assert len(events) == 2
    assert await person.remembered() == [("user", "yes"), ("assistant", "Hello!")] * 2
    assert {item["session_id"] for item in await person.items()} == {"talk"}


async def test_a_session_that_sends_its_history_adds_only_what_is_new(person: Person) -> None:
    session = {"x-session-id": "talk"}
    await person.chat("a", headers=session)
    await person.chat("a", assistant("Hello!"), "b", headers=session)
    expected = [("user", "a"), ("assistant", "Hello!"), ("user", "b"), ("assistant", "Hello!")]
    assert await person.remembered() == expected


async def test_the_same_words_in_two_named_sessions_are_remembered_in_both(person: Person) -> None:
    await person.chat("a", headers={"x-session-id": "s1"})
    await person.chat("a", headers={"x-session-id": "s2"})
    assert [item["session_id"] for item in await person.items() if item["role"] == "user"] == ["s1", "s2"]


async def test_image_parts_become_a_mark_and_their_data_is_never_stored(person: Person, upstream: FakeUpstream) -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": DATA_URL}}]
    await person.chat(user(parts))
    items = await person.items()
    assert items[0]["text"] == "What is this?\n[image]"
    assert "base64" not in str(items)
    assert upstream.requests[0].json["messages"][0]["content"] == parts


async def test_an_image_alone_is_a_turn(person: Person) -> None:
    await person.chat(user([{"type": "image_url", "image_url": {"url": DATA_URL}}]))
    assert await person.remembered() == [("user", "[image]"), ("assistant", "Hello!")]


async def test_system_developer_and_tool_messages_are_never_remembered(person: Person) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    await person.chat(
        {"role": "system", "content": "secret system"},
        {"role": "developer", "content": "secret developer"},
        "a",
        assistant(None, tool_calls=[call]),
        {"role": "tool", "tool_call_id": "c1", "content": "secret tool"},
    )
    assert await person.remembered() == [("user", "a"), ("assistant", "Hello!")]


async def test_a_recalled_block_that_comes_back_is_not_remembered(person: Person) -> None:
    await person.chat(user("a\n" + render_block([make_page("old")])))
    assert await person.remembered() == [("user", "a"), ("assistant", "Hello!")]


async def test_only_the_first_choice_is_remembered(person: Person, upstream: FakeUpstream) -> None:
    def choice(index: int, text: str) -> dict[str, object]:
        return {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}

    head = {"id": "x", "object": "chat.completion", "created": 1, "model": "m-1"}
    upstream.next(Reply.json({**head, "choices": [choice(1, "second"), choice(0, "first")]}))
    await person.chat("a", n=2)
    assert await person.remembered() == [("user", "a"), ("assistant", "first")]


@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [("full", True, True), ("read", True, False), ("write", False, True), ("off", False, False)],
)
async def test_the_mode_says_whether_memory_is_read_and_written(
    person: Person, upstream: FakeUpstream, mode: str, reads: bool, writes: bool
) -> None:
    await person.chat("I like green tea", headers={"x-session-id": "before"})
    headers = {"x-session-id": "now", "x-memoryos-mode": mode}
    answer = await person.chat("Do I like green tea?", headers=headers)
    assert bool(parts_added(upstream.requests[-1].json)) is reads
    assert ("x-memoryos-event" in answer.headers) is writes
    assert (("user", "Do I like green tea?") in await person.remembered()) is writes
    report = memory_report(answer)
    assert (report["state"], report.get("reason")) == (("off", "mode") if mode == "off" else ("ok", None))
    assert (int(report["recalled"]) > 0, int(report["tokens"]) > 0) == (reads, reads)


async def test_answers_of_the_offline_model_are_not_remembered(person: Person) -> None:
    answer = await person.chat("I like tea", model="offline/any")
    assert answer.headers["x-memoryos-route"] == "default/offline/any"
    assert await person.remembered() == [("user", "I like tea")]


async def test_a_request_whose_last_user_message_is_empty_is_answered_and_not_remembered(person: Person) -> None:
    answer = await person.chat(user(""))
    assert answer.status == 200
    assert "x-memoryos-event" not in answer.headers
    assert await person.remembered() == []
