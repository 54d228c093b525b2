"""What is remembered of a conversation, however its client sends it: cases through the chat service on real stores."""

from typing import NamedTuple

import pytest

from memoryos_adapters.testing import ScriptedLlm, says
from memoryos_core.chat.turn_plan import TurnPlan, plan_turn
from memoryos_core.memory.block import render_block
from memoryos_ports.ids import EventId
from memoryos_ports.llm import Message
from tests.support.makers import (
    ANA,
    BOB,
    image_part,
    make_call,
    make_caller,
    make_message,
    make_page,
    said,
    text_part,
    tool_request,
    tool_result,
)
from tests.support.memory_stack import MemoryStack

IMAGE = image_part()
BLOCK = render_block([make_page("old words")])


class Case(NamedTuple):
    """Requests, each answered A1, A2, ... in turn, and all that is remembered of them in the end."""

    requests: list[list[str | Message]]
    remembered: list[str]
    session: str | None = None


CASES = {
    "first contact without history": Case([["hi"]], ["hi", "A1"]),
    "first contact remembers the whole history": Case(
        [["hi", said("hello"), "I like tea", said("noted"), "what do I like?"]],
        ["hi", "hello", "I like tea", "noted", "what do I like?", "A1"],
    ),
    "an assistant's greeting is part of a first contact": Case([[said("welcome"), "hi"]], ["welcome", "hi", "A1"]),
    "whole history every time": Case(
        [["hi"], ["hi", said("A1"), "more"], ["hi", said("A1"), "more", said("A2"), "end"]],
        ["hi", "A1", "more", "A2", "end", "A3"],
    ),
    "whole history under an explicit session": Case(
        [["hi"], ["hi", said("A1"), "more"]], ["hi", "A1", "more", "A2"], "s1"
    ),
    "answers that the client altered are not new": Case(
        [["hi"], ["hi", said("A one, shortened"), "more"]], ["hi", "A1", "more", "A2"]
    ),
    "white space and Unicode forms make no new turn": Case(
        [["caf\u00e9  crème"], ["cafe\u0301 crème\n", said("A1"), "more"]], ["caf\u00e9  crème", "A1", "more", "A2"]
    ),
    "a client without history says yes twice": Case([["yes"], ["yes"]], ["yes", "A1", "yes", "A2"], "s1"),
    "a client without history has a system prompt": Case(
        [[make_message("be kind", role="system"), "yes"], [make_message("be kind", role="system"), "yes"]],
        ["yes", "A1", "yes", "A2"],
        "s1",
    ),
    "without a session the same words regenerate": Case([["hi"], ["hi"]], ["hi", "A1", "A2"]),
    "regenerating the newest of several turns": Case(
        [["hi"], ["hi", said("A1"), "more"], ["hi", said("A1"), "more"]], ["hi", "A1", "more", "A2", "A3"]
    ),
    "an edited earlier turn branches off": Case(
        [["hi"], ["hi", said("A1"), "tea"], ["hi", said("A1"), "coffee"]],
        ["hi", "A1", "tea", "A2", "coffee", "A3"],
    ),
    "several turns since the last request": Case(
        [["hi"], ["hi", said("A1"), "one", said("elsewhere"), "two"]], ["hi", "A1", "one", "elsewhere", "two", "A2"]
    ),
    "two user messages in a row": Case([["one", "two"]], ["one", "two", "A1"]),
    "system, developer and tool messages never": Case(
        [
            [
                make_message("rules", role="system"),
                make_message("more rules", role="developer"),
                "weather?",
                tool_request(),
                tool_result("a secret of the tool"),
            ]
        ],
        ["weather?", "A1"],
    ),
    "image parts become a mark": Case([[make_message([text_part("look"), IMAGE])]], ["look\n[image]", "A1"]),
    "an image alone is a turn": Case([[make_message([IMAGE])]], ["[image]", "A1"]),
    "a data URL inside a text becomes a mark": Case(
        [["see ![x](data:image/png;base64,iVBORw0KGgo=) here"]], ["see ![x]([image]) here", "A1"]
    ),
    "a block that came back is stripped": Case([[make_message(f"hi\n{BLOCK}")]], ["hi", "A1"]),
    "a block as a part of its own is stripped, and changes no turn": Case(
        [["hi"], [make_message([text_part("hi"), text_part(BLOCK)]), said("A1"), "more"]], ["hi", "A1", "more", "A2"]
    ),
    "an assistant who repeats the block": Case(
        [["hi", said(f"as I know {BLOCK}"), "so?"]], ["hi", "as I know", "so?", "A1"]
    ),
    "no user message": Case([[make_message("rules", role="system")]], []),
    "a last user message without text": Case([["hi"], ["hi", said("A1"), "  "]], ["hi", "A1"]),
    "a last user message that is only a block": Case([["hi", said("hello"), make_message(BLOCK)]], []),
    "empty messages of the history": Case([["hi", said(""), make_message(None), "more"]], ["hi", "more", "A1"]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_what_is_remembered(case: Case, stack: MemoryStack) -> None:
    llm = ScriptedLlm(says(f"A{number}") for number in range(1, 9))
    service = stack.chat(llm)
    for messages in case.requests:
        _, report = await service.complete(make_call(*messages, session=case.session))
        assert report.stored
    assert [text for _, text in await stack.turns()] == case.remembered


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_applying_between_requests_changes_nothing(case: Case, stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm(says(f"A{number}") for number in range(1, 9)))
    for messages in case.requests:
        await service.complete(make_call(*messages, session=case.session))
        await stack.settle()
    assert [text for _, text in await stack.turns()] == case.remembered


@pytest.mark.parametrize("session", [None, "s1"])
async def test_a_retry_before_the_first_is_stored_has_its_event_id(session: str | None, stack: MemoryStack) -> None:
    first, again = [await plan(stack, "hi", session=session) for _ in range(2)]
    assert first == again


async def test_of_two_answers_under_one_event_id_the_first_stays(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("first"), says("second")]))
    reports = [(await service.complete(make_call("hi", key="k1")))[1] for _ in range(2)]
    assert [(report.event_id, report.stored) for report in reports] == [("k1", True)] * 2
    assert await stack.turns() == [("user", "hi"), ("assistant", "first")]


async def test_an_idempotency_key_is_the_event_id(stack: MemoryStack) -> None:
    planned = await plan(stack, "hi", key="order-7")
    assert planned.event_id == "order-7"


async def test_two_sessions_with_the_same_words_are_two_conversations(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("A1"), says("A2")]))
    reports = [(await service.complete(make_call("hi", session=name)))[1] for name in ("s1", "s2")]
    assert len({report.event_id for report in reports}) == 2
    assert await stack.turns() == [("user", "hi"), ("assistant", "A1"), ("user", "hi"), ("assistant", "A2")]
    assert [page.session_id for page in await stack.pages()] == ["s1", "s1", "s2", "s2"]


async def test_without_a_session_the_longest_known_prefix_decides(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm(says(f"A{n}") for n in range(9)))
    await service.complete(make_call("hi", session="s1"))
    await service.complete(make_call("hi", session="s2"))
    await service.complete(make_call("hi", said("A0"), "tea", session="s1"))
    assert (await plan(stack, "hi", said("A0"), "tea", said("A2"), "more")).session_id == "s1"
    assert (await plan(stack, "hi", said("A1"), "more")).session_id == "s2", "the latest that said it"
    assert (await plan(stack, "other words")).session_id not in ("s1", "s2")


async def test_another_user_knows_nothing_of_the_conversation(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("A1")]))
    await service.complete(make_call("hi"))
    planned = await plan_turn(stack.conversations, BOB, make_caller(), (make_message("hi"),))
    assert planned is not None
    assert (planned.supersedes, planned.stored_as) == ((), None)


async def test_sessions_are_named_after_their_first_words_and_their_user(stack: MemoryStack) -> None:
    ana, more = await plan(stack, "hi"), await plan(stack, "hi", said("hello"), "more")
    bob = await plan_turn(stack.conversations, BOB, make_caller(), (make_message("hi"),))
    assert bob is not None
    assert ana.session_id == more.session_id != bob.session_id


async def test_a_regenerated_answer_supersedes_its_sibling(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("green is best"), says("black is best")]))
    await service.complete(make_call("which tea"))
    planned = await plan(stack, "which tea")
    await service.complete(make_call("which tea"))
    (first, second) = await stack.take()
    assert planned.new_turns == ()
    assert second.supersedes == planned.supersedes == (first.memory_ids[1],)
    assert [message.content for message in second.messages] == ["black is best"]


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])
async def test_a_superseded_answer_is_not_recalled(order: int, stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("green is best"), says("black is best")]))
    for _ in range(2):
        await service.complete(make_call("which tea"))
    for event in (await stack.take())[::order]:
        await stack.handlers.apply(event)
    assert await stack.found("which tea is best") == {"which tea", "black is best"}
    assert len(await stack.pages()) == 3, "it is kept all the same"


async def test_regenerating_an_answer_that_came_as_history_supersedes_it(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("A1"), says("fresh")]))
    await service.complete(make_call("hi", said("old answer"), "more"))
    await service.complete(make_call("hi"))
    await stack.settle()
    assert await stack.found("old answer fresh") == {"hi", "more", "A1", "fresh"}


async def test_an_earlier_exchange_counts_for_the_event_id(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm(says(f"A{n}") for n in range(3)))
    ids = [(await service.complete(make_call("hi")))[1].event_id for _ in range(3)]
    assert len(set(ids)) == 3


async def plan(
    stack: MemoryStack, *messages: str | Message, session: str | None = None, key: str | None = None
) -> TurnPlan:
    """Return the plan of Ana's request, which there must be."""
    planned = await plan_turn(
        stack.conversations,
        ANA,
        make_caller(session=session),
        make_call(*messages).messages,
        idempotency_key=None if key is None else EventId(key),
    )
    assert planned is not None
    return planned
