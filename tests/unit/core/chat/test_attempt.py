"""One call of a model: the request it gets, made anew each time, and nothing promised before it has said something."""

import asyncio
import gc
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.testing import ScriptedLlm, says
from memoryos_core.chat.attempt import Attempt, Begun, ChatCall
from memoryos_core.chat.exchange import Prepared
from memoryos_core.chat.first_words import GRACE_S
from memoryos_core.memory.block import PREFACE, render_block
from memoryos_core.routing.plan import DEFAULT_TIER, Provider, Route
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.errors import (
    LocalModelRequired,
    RateLimited,
    StreamCut,
    UpstreamRejected,
    UpstreamUnavailable,
)
from memoryos_ports.llm import ChatChunk, LlmAdapter, ToolCallDelta
from memoryos_ports.memory import Page
from tests.support.makers import ANA, make_call, make_caller, make_message, make_page, said
from tests.unit.core.chat.streams import END, NOTHING, ROLE, USAGE, Step, Streams, batch, delta
from tests.unit.core.routing.virtual_time import in_virtual_time, now

RULES = SensitiveRules(["Project Tulip"])
CALL = make_call("hi", model="auto")


def make_route(llm: LlmAdapter, *, local: bool = False) -> Route:
    """Return the route to the model ``own-name`` of an adapter."""
    return Route(tier=DEFAULT_TIER, provider=Provider(adapter=llm, local=local), model="own-name")


def make_prepared(*pages: Page) -> Prepared:
    """Return what memory brings."""
    block = render_block(pages)
    return Prepared(
        scope=ANA, caller=make_caller(), state="ok", memories=pages, block=block, tokens=estimate_tokens(block)
    )


def make_attempt(
    *pages: Page, call: ChatCall = CALL, rules: SensitiveRules = RULES, sensitive: bool = False
) -> Attempt:
    """Return an attempt with these pages recalled."""
    return Attempt(call, make_prepared(*pages), rules, sensitive=sensitive)


# --- the request


async def test_a_model_is_asked_by_its_own_name_with_what_the_client_sent() -> None:
    llm = ScriptedLlm([says("hello")])
    params = {"temperature": msgspec.Raw(b"0")}
    call = msgspec.structs.replace(CALL, params=params)
    whole = await make_attempt(call=call).whole(make_route(llm))
    (request,) = llm.requests
    assert (request.model, request.messages, request.params) == ("own-name", call.messages, params)
    assert (request.recalled, request.owner) == ((), call.caller.owner)
    assert whole.answer.choices[0].message.content == "hello"


async def test_every_request_is_made_anew_from_what_the_client_sent() -> None:
    """A fallback gets no block twice, and nothing that was meant for the model before it."""
    first, second = ScriptedLlm([says("a")]), ScriptedLlm([says("b")])
    attempt = make_attempt(make_page("I like tea"))
    await attempt.whole(make_route(first))
    await attempt.whole(make_route(second))
    assert first.requests == second.requests
    assert str(second.requests[0].messages).count("I like tea") == 1
    assert CALL.messages == (make_message("hi"),)


async def test_memory_comes_after_the_last_words_of_the_user() -> None:
    llm = ScriptedLlm([says("b")])
    call = make_call("one", said("two"), "three", said("four"))
    await make_attempt(make_page("I like tea"), call=call).whole(make_route(llm))
    sent = llm.requests[0].messages
    assert [isinstance(message.content, tuple) for message in sent] == [False, False, True, False]
    assert llm.requests[0].recalled == ("user: I like tea",)


async def test_without_a_user_message_memory_has_no_place() -> None:
    llm = ScriptedLlm([says("b")])
    call = make_call(make_message("be brief", role="system"))
    await make_attempt(make_page("I like tea"), call=call).whole(make_route(llm))
    assert llm.requests[0].messages == call.messages


# --- what must stay local

SENSITIVE = {
    "marked": make_page("the price is 5", sensitive=True),
    "by its words": make_page("about project tulip", event="e2"),
    "by its words over a line break": make_page("about Project\nTulip", event="e3"),
    "by the name of its speaker": make_page("let us talk", event="e4", name="Project Tulip"),
}


@pytest.mark.parametrize("page", SENSITIVE.values(), ids=SENSITIVE)
@pytest.mark.parametrize("streamed", [True, False])
async def test_sensitive_pages_are_withheld_from_cloud_models_only(page: Page, streamed: bool) -> None:
    tea = make_page("I like tea", event="tea")
    cloud, home = ScriptedLlm([says("a")]), ScriptedLlm([says("b")])
    attempt = make_attempt(page, tea)
    prepared = await ask(attempt, make_route(cloud), streamed=streamed)
    assert (prepared.memories, prepared.block) == ((tea,), render_block([tea]))
    assert prepared.tokens == estimate_tokens(prepared.block)
    assert cloud.requests[0].recalled == ("user: I like tea",)
    assert page.text not in str(cloud.requests)
    prepared = await ask(attempt, make_route(home, local=True), streamed=streamed)
    assert prepared.memories == (page, tea)
    assert page.text.partition("\n")[0] in str(home.requests[0].messages)


async def test_when_all_that_is_recalled_stays_a_cloud_model_gets_no_block() -> None:
    cloud = ScriptedLlm([says("a")])
    whole = await make_attempt(*SENSITIVE.values()).whole(make_route(cloud))
    assert cloud.requests[0].messages == CALL.messages
    assert (whole.prepared.block, whole.prepared.tokens, whole.prepared.recalled) == ("", 0, ())


async def test_a_block_that_is_sensitive_as_a_whole_never_fails_a_chat() -> None:
    """A rule may find the words around the pages: memory is left out then, rather than the model."""
    cloud, rules = ScriptedLlm([says("a")]), SensitiveRules([PREFACE[:20]])
    await make_attempt(make_page("I like tea"), rules=rules).whole(make_route(cloud))
    assert cloud.requests[0].messages == CALL.messages


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_conversation_that_must_stay_is_refused_before_every_cloud_model(streamed: bool) -> None:
    """Whatever its words are: memory may have known it as sensitive."""
    cloud, home = ScriptedLlm([]), ScriptedLlm([says("a")])
    attempt = make_attempt(sensitive=True)
    with pytest.raises(LocalModelRequired) as caught:
        await ask(attempt, make_route(cloud), streamed=streamed)
    assert (caught.value.model, cloud.requests) == ("auto", [])
    await ask(attempt, make_route(home, local=True), streamed=streamed)
    assert len(home.requests) == 1


async def test_the_words_of_a_conversation_are_not_looked_at_again_for_every_model() -> None:
    cloud, call = ScriptedLlm([says("a")]), make_call("about Project Tulip", model="auto")
    await make_attempt(call=call).whole(make_route(cloud))
    assert cloud.requests[0].messages == call.messages


# --- the beginning of a stream

WORDS = {
    "text": batch(delta("hel")),
    "text with its role": batch(delta("hel", role="assistant")),
    "a refusal": batch(delta(refusal="no")),
    "reasoning": batch(delta(reasoning="hm")),
    "a tool call": batch(delta(tool_calls=(ToolCallDelta(index=0, id="c", name="look"),))),
    "an end": END,
    "text after nothing": [*NOTHING, *batch(delta("hel"))],
    "text of a second choice": batch(delta("hel", index=1)),
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
async def test_a_stream_has_begun_with_its_first_words(words: list[ChatChunk]) -> None:
    llm = Streams([ROLE, NOTHING, words, END])
    begun = await make_attempt().begin(make_route(llm))
    assert begun.first == [*ROLE, *NOTHING, *words]
    assert llm.closed == 0
    assert await read(begun) == END
    assert (llm.opened, llm.closed) == (1, 1)


SILENT: dict[str, list[Step]] = {
    "ends at once": [],
    "a role alone": [ROLE],
    "nothing but usage": [ROLE, batch(usage=USAGE)],
    "cut at once": [StreamCut(upstream="streams", detail="reset")],
    "cut after the role": [ROLE, StreamCut(upstream="streams", detail="reset")],
    "cut after nothing": [ROLE, NOTHING, NOTHING, StreamCut(upstream="streams", detail="reset")],
}


@pytest.mark.parametrize("steps", SILENT.values(), ids=SILENT)
async def test_a_stream_without_words_was_no_answer_and_may_be_tried_again(steps: Sequence[Step]) -> None:
    llm = Streams(steps)
    with pytest.raises(UpstreamUnavailable) as caught:
        await make_attempt().begin(make_route(llm))
    assert caught.value.retryable
    assert caught.value.upstream == "streams"
    assert (llm.opened, llm.closed) == (1, 1)


@pytest.mark.parametrize("before", [[], [ROLE], [ROLE, NOTHING]])
@pytest.mark.parametrize(
    "error",
    [
        RateLimited(upstream="streams", retry_after_s=3),
        UpstreamRejected(upstream="streams", status=400, message="no", code="content_filter"),
        ZeroDivisionError(),
    ],
    ids=repr,
)
async def test_an_error_before_the_first_words_is_raised_as_it_is(before: list[Step], error: Exception) -> None:
    llm = Streams([*before, error])
    with pytest.raises(type(error)) as caught:
        await make_attempt().begin(make_route(llm))
    assert caught.value is error
    assert (llm.opened, llm.closed) == (1, 1)


async def test_the_chunks_of_an_adapter_stay_its_own() -> None:
    """What a stream yielded is not written into."""
    role = list(ROLE)
    begun = await make_attempt().begin(make_route(Streams([role, batch(delta("a"))])))
    assert (len(begun.first), role) == (2, ROLE)
    await begun.rest.aclose()


@in_virtual_time
async def test_a_model_that_thinks_in_silence_is_not_held_back_for_long() -> None:
    llm = Streams([2.0, ROLE, 60.0, batch(delta("hel")), END])
    begun = await make_attempt().begin(make_route(llm))
    assert begun.first == ROLE
    assert now() == pytest.approx(2 + GRACE_S)
    assert await read(begun) == [*batch(delta("hel")), *END]
    assert now() == pytest.approx(62)
    assert llm.closed == 1


@in_virtual_time
async def test_the_patience_is_one_for_all_chunks_without_words() -> None:
    pauses: list[Step] = [step for _ in range(100) for step in (GRACE_S / 4, NOTHING)]
    begun = await make_attempt().begin(make_route(Streams([ROLE, *pauses, END])))
    assert now() == pytest.approx(GRACE_S)
    await begun.rest.aclose()


@pytest.mark.parametrize("steps", [[None], [ROLE, None], [ROLE, NOTHING, None]])
@in_virtual_time
async def test_cancelled_before_its_first_words_a_stream_is_closed(steps: list[Step]) -> None:
    llm = Streams(steps)
    beginning = asyncio.create_task(make_attempt().begin(make_route(llm)))
    await asyncio.sleep(GRACE_S / 2)
    beginning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beginning
    assert (llm.opened, llm.closed) == (1, 1)


@pytest.mark.parametrize(
    ("steps", "moment"),
    [([batch(delta("a")), None], 0.0), ([ROLE, None], 0.0), ([ROLE, 3.0, StreamCut(upstream="streams")], 9.0)],
)
@in_virtual_time
async def test_closed_after_it_began_it_is_closed_whether_read_or_not(steps: list[Step], moment: float) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    llm = Streams(steps)
    begun = await make_attempt().begin(make_route(llm))
    await asyncio.sleep(moment)
    for _ in range(2):
        await begun.rest.aclose()
    assert (llm.opened, llm.closed) == (1, 1)
    del begun
    gc.collect()
    assert told == [], "no failure is left behind that nobody looked at"


@in_virtual_time
async def test_cancelled_while_the_rest_is_read_it_is_closed() -> None:
    llm = Streams([ROLE, None])
    begun = await make_attempt().begin(make_route(llm))
    reading = asyncio.create_task(read(begun))
    await asyncio.sleep(5)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (llm.opened, llm.closed) == (1, 1)


PIECES = st.sampled_from([ROLE, NOTHING, *WORDS.values(), batch(usage=USAGE)])
ENDINGS: st.SearchStrategy[list[Step]] = st.sampled_from(
    [[], [StreamCut(upstream="s")], [RateLimited(upstream="s")], [None], [ZeroDivisionError()]]
)


@given(
    pieces=st.lists(st.one_of(PIECES, st.floats(0, 0.4)), max_size=6),
    ending=ENDINGS,
    cancelled_at=st.none() | st.floats(0, 3),
)
@in_virtual_time
async def test_whatever_a_stream_does_nothing_is_lost_and_it_is_closed(
    pieces: list[Step], ending: list[Step], cancelled_at: float | None
) -> None:
    llm = Streams([*pieces, *ending])
    seen: list[ChatChunk] = []

    async def go() -> None:
        begun = await make_attempt().begin(make_route(llm))
        seen.extend(begun.first)
        await read(begun, seen)

    task = asyncio.create_task(go())
    await asyncio.wait({task}, timeout=30 if cancelled_at is None else cancelled_at)
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    assert llm.closed == llm.opened
    yielded = [chunk for piece in pieces if isinstance(piece, list) for chunk in piece]
    assert seen == yielded[: len(seen)]
    if outcome is None:
        assert seen == yielded


async def ask(attempt: Attempt, route: Route, *, streamed: bool) -> Prepared:
    """Return what memory brought to a request that is answered."""
    if not streamed:
        return (await attempt.whole(route)).prepared
    begun = await attempt.begin(route)
    await read(begun)
    return begun.prepared


async def read(begun: Begun, seen: list[ChatChunk] | None = None) -> list[ChatChunk]:
    """Return the chunks after the first, adding them to `seen` as they come."""
    chunks = [] if seen is None else seen
    async with asyncio.timeout(100), aclosing(begun.rest) as rest:
        async for piece in rest:
            chunks.extend(piece)
    return chunks
