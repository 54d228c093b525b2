"""`auto` goes through its tiers, falls back before the first word, and never lets sensitive content leave."""

from base64 import b64encode

import pytest

from tests.service.chat.person import Person, assistant, user
from tests.service.resilience.conftest import SECRET_WORD
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
LONG = "word " * 400


@STREAMED
async def test_the_first_tier_that_admits_the_prompt_wins(
    person: Person, near: FakeUpstream, far: FakeUpstream, streamed: bool
) -> None:
    short = await person.chat("Hi", model="auto", stream=streamed)
    long = await person.chat(LONG, model="auto", stream=streamed)

    assert [a.headers["x-memoryos-route"] for a in (short, long)] == ["local/near/n-1", "cloud/far/f-1"]
    assert [len(near.requests), len(far.requests)] == [1, 1]


@STREAMED
@pytest.mark.parametrize(
    "fault",
    [Reply.error(500), Reply.error(401), Reply.error(429, code="insufficient_quota"), Reply.reset(), Reply.hang()],
    ids=["500", "401", "no quota", "reset", "hang"],
)
async def test_the_next_tier_answers_when_the_first_fails(
    person: Person, near: FakeUpstream, far: FakeUpstream, fault: Reply, streamed: bool
) -> None:
    near.always = fault

    answer = await person.chat("Hi", model="auto", stream=streamed, temperature=0.5)

    assert answer.status == 200
    assert answer.headers["x-memoryos-route"] == "cloud/far/f-1"
    assert answer.headers["x-memoryos-tries"] == "2"
    assert far.requests[0].json["messages"] == near.requests[0].json["messages"]
    assert far.requests[0].json["model"] == "f-1"
    assert await person.remembered() == [("user", "Hi"), ("assistant", "Hello!")]


async def test_what_is_wrong_with_the_request_itself_is_nobody_elses_business(
    person: Person, near: FakeUpstream, far: FakeUpstream
) -> None:
    near.always = Reply.error(400, "no such thing", code="bad_thing")

    assert (await person.chat("Hi", model="auto")).status == 400
    assert far.requests == []


@STREAMED
@pytest.mark.parametrize(
    "messages",
    [
        [user(f"about project {SECRET_WORD.upper()}")],
        [{"role": "system", "content": f"you work on {SECRET_WORD}"}, user("Hi")],
        [user("Hi"), assistant(f"the {SECRET_WORD} flies"), user("where?")],
        [user([{"type": "text", "text": f"x{SECRET_WORD}x"}])],
        [user("Hi", name=SECRET_WORD)],
    ],
    ids=["user", "system", "earlier", "part", "name"],
)
async def test_sensitive_content_stays_local_even_when_the_local_model_fails(
    person: Person, near: FakeUpstream, far: FakeUpstream, messages: list[object], streamed: bool
) -> None:
    answered = await person.chat(*messages, model="auto", stream=streamed)
    near.always = Reply.error(500)
    failed = await person.chat(*messages, model="auto", stream=streamed)

    assert (answered.status, answered.headers["x-memoryos-route"]) == (200, "local/near/n-1")
    assert (failed.status, failed.error["code"]) == (502, "upstream_unavailable")
    assert far.requests == []


async def test_a_secret_in_a_file_of_text_stays_local(person: Person, far: FakeUpstream) -> None:
    data = b64encode(f"about {SECRET_WORD}".encode()).decode()
    part = {"type": "file", "file": {"filename": "a.txt", "file_data": f"data:text/plain;base64,{data}"}}

    answer = await person.chat(user([part]), model="far/f-1")

    assert answer.error["code"] == "local_model_required"
    assert far.requests == []


@STREAMED
async def test_sensitive_content_for_a_cloud_model_is_refused_clearly(
    person: Person, near: FakeUpstream, far: FakeUpstream, streamed: bool
) -> None:
    for model, text in (("far/f-1", SECRET_WORD), ("auto", f"{LONG} {SECRET_WORD}")):
        answer = await person.chat(text, model=model, stream=streamed)
        assert (answer.status, answer.error["code"]) == (403, "local_model_required")
        assert SECRET_WORD not in answer.error["message"]
    assert near.requests == far.requests == []


async def test_what_was_sensitive_is_recalled_for_local_models_only(
    person: Person, near: FakeUpstream, far: FakeUpstream
) -> None:
    assert (await person.chat(f"The {SECRET_WORD} lands in Lisbon", model="auto")).status == 200
    await person.remembered()

    await person.chat("Where in Lisbon does what land?", model="near/n-1")
    await person.chat("And where in Lisbon is that?", model="far/f-1")

    assert b"lands in Lisbon" in near.requests[-1].body
    assert b"lands in Lisbon" not in far.requests[-1].body


async def test_a_conversation_that_was_sensitive_stays_local(
    person: Person, near: FakeUpstream, far: FakeUpstream
) -> None:
    await person.chat(f"The {SECRET_WORD} lands in Lisbon", model="near/n-1")
    await person.remembered()
    near.next(Reply.text("At pier seven"))
    await person.chat("Where in Lisbon does what land?", model="near/n-1")
    await person.remembered()

    history = ["Where in Lisbon does what land?", assistant("At pier seven"), "Are you sure?"]
    answer = await person.chat(*history, model="far/f-1")

    assert (answer.status, answer.error["code"]) == (403, "local_model_required")
    assert far.requests == []


async def test_an_answer_made_from_sensitive_memories_stays_local_too(
    person: Person, near: FakeUpstream, far: FakeUpstream
) -> None:
    await person.chat(f"The {SECRET_WORD} lands in Lisbon", model="auto")
    await person.remembered()
    near.next(Reply.text("It lands at pier seven in Lisbon"))

    await person.chat("Where in Lisbon does what land?", model="near/n-1")
    await person.remembered()
    await person.chat("At which pier in Lisbon does it land?", model="far/f-1")

    assert b"pier seven" not in far.requests[-1].body


async def test_a_model_that_keeps_failing_is_left_alone_and_health_says_so(person: Person, far: FakeUpstream) -> None:
    far.always = Reply.error(500)
    for _ in range(2):
        await person.chat("Hi", model="far/f-1")
    asked = len(far.requests)

    answer = await person.chat("Hi", model="far/f-1")

    assert (answer.status, answer.error["code"]) == (503, "providers_cooling_down")
    assert int(answer.headers["retry-after"]) >= 1
    assert len(far.requests) == asked == 4
    assert (await person.chat("Hi", model="near/n-1")).status == 200
