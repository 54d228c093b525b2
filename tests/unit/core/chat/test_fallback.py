"""Chats over several models: who answers in the end, what must never leave the house, and what is booked for it."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.testing import ScriptedLlm, ScriptedTurn, cuts, fails, hangs, says
from memoryos_core.caller import Caller
from memoryos_core.chat.attempt import ChatCall
from memoryos_core.chat.exchange import Answered
from memoryos_core.chat.memory import ChatMemory
from memoryos_core.chat.service import ChatService
from memoryos_core.chat.stream import ChatStream
from memoryos_core.memory.ingest import Ingest
from memoryos_core.routing.breakers import Breakers, BreakerSettings
from memoryos_core.routing.dispatch import Dispatcher, RetryPolicy
from memoryos_core.routing.plan import Provider, Tier
from memoryos_core.routing.router import ModelRouter
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.routing.usage import Booking, UsageBook, estimated_usage
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.errors import (
    InvalidInput,
    LocalModelRequired,
    MemoryOSError,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    StreamCut,
    UpstreamAuthError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.ids import TenantId
from memoryos_ports.llm import Message, ToolCall, Usage
from tests.support.makers import make_call, make_message, said, tool_request, tool_result
from tests.support.memory_stack import PATIENT, MemoryStack
from tests.support.routing import chat_service
from tests.unit.core.chat.streams import END, NOTHING, ROLE, USAGE, Streams, batch, delta
from tests.unit.core.routing.scenery import make_provider, make_tier
from tests.unit.core.routing.virtual_time import in_virtual_time, now

QUICK = RetryPolicy(max_tries=3, backoff_s=0.001, max_wait_s=1)
RULES = SensitiveRules(["Project Tulip", "机密"])
DOWN = fails(UpstreamUnavailable(upstream="down"))
REPORTED = Usage(prompt_tokens=7, completion_tokens=3)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A service, and what it books."""

    service: ChatService
    bookings: list[Booking]
    breakers: Breakers


def make_stage(
    *providers: Provider,
    tiers: Sequence[Tier] | None = None,
    memory: ChatMemory | None = None,
    policy: RetryPolicy = QUICK,
    failures: int = 10**6,
) -> Stage:
    """Return a service whose model ``auto`` is one tier of these providers, unless `tiers` says something else."""
    bookings: list[Booking] = []
    loop = asyncio.get_running_loop()
    breakers = Breakers(BreakerSettings(failures=failures, cooldown_s=30), monotonic=loop.time)
    service = ChatService(
        router=ModelRouter(providers, tiers=[make_tier("all", *providers)] if tiers is None else tiers),
        dispatcher=Dispatcher(policy=policy, breakers=breakers, monotonic=loop.time, chance=random.Random(7)),
        memory=memory,
        rules=RULES,
        usage=UsageBook(note=bookings.append),
    )
    return Stage(service=service, bookings=bookings, breakers=breakers)


def asks(*messages: str | Message, model: str = "auto", **params: Any) -> ChatCall:
    """Return a call for whatever model there is, "hi" unless told otherwise."""
    call = make_call(*messages or ("hi",), model=model)
    return msgspec.structs.replace(call, params={k: msgspec.Raw(msgspec.json.encode(v)) for k, v in params.items()})


def wired(text: str) -> Message:
    """Return a user message as it comes over the wire."""
    return make_message(text, wire=msgspec.Raw(msgspec.json.encode({"role": "user", "content": text})))


def asked(provider: Provider) -> int:
    """Return how often a scripted provider was asked."""
    adapter = provider.adapter
    assert isinstance(adapter, ScriptedLlm | Streams)
    return len(adapter.requests)


# --- who answers


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_next_model_answers_where_one_fails(streamed: bool) -> None:
    a, b = make_provider("a", [DOWN]), make_provider("b", [says("hel", "lo")])
    stage = make_stage(a, b)
    text, route, tries = await answer(stage, asks(), streamed=streamed)
    assert (text, route, tries) == ("hello", "all/b/m", 2)


ERRORS: list[MemoryOSError] = [
    UpstreamUnavailable(upstream="a"),
    UpstreamTimeout(upstream="a"),
    RateLimited(upstream="a", retry_after_s=99),
    QuotaExhausted(upstream="a"),
    UpstreamAuthError(upstream="a"),
    ModelNotFound("m"),
    UpstreamRejected(upstream="a", status=400, message="too long", code="context_length_exceeded"),
    UpstreamRejected(upstream="a", status=400, message="no images", code="unsupported_value"),
    InvalidInput("no tools here", param="tools", code="unsupported_parameter"),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("streamed", [True, False])
async def test_the_client_never_sees_what_another_model_could_mend(error: MemoryOSError, streamed: bool) -> None:
    stage = make_stage(make_provider("a", [fails(error)]), make_provider("b", [says("hello")]))
    assert (await answer(stage, asks(), streamed=streamed))[:2] == ("hello", "all/b/m")


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (UpstreamRejected(upstream="a", status=400, message="no", code="content_filter"), 1),
        (UpstreamRejected(upstream="a", status=422, message="no", param="temperature"), 1),
        (InvalidInput("no", param="messages[0]"), 0),
    ],
    ids=repr,
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_request_that_is_at_fault_is_told_at_once(error: MemoryOSError, tries: int, streamed: bool) -> None:
    b = make_provider("b", [])
    stage = make_stage(make_provider("a", [fails(error)]), b)
    with pytest.raises(type(error)) as caught:
        await answer(stage, asks(), streamed=streamed)
    assert caught.value is error
    assert (caught.value.tries, asked(b), stage.bookings) == (tries, 0, [])


@pytest.mark.parametrize(("models", "max_tries"), [(1, 1), (1, 3), (2, 3), (5, 3), (5, 7)])
@pytest.mark.parametrize("streamed", [True, False])
async def test_one_budget_bounds_all_calls_of_a_request(models: int, max_tries: int, streamed: bool) -> None:
    providers = [make_provider(f"p{n}", [DOWN] * 9) for n in range(models)]
    stage = make_stage(*providers, policy=msgspec.structs.replace(QUICK, max_tries=max_tries))
    with pytest.raises(UpstreamUnavailable) as caught:
        await answer(stage, asks(), streamed=streamed)
    assert sum(map(asked, providers)) == max_tries == caught.value.tries


async def test_each_model_gets_its_own_name_and_the_same_words() -> None:
    a, b = ScriptedLlm([DOWN], name="a"), ScriptedLlm([says("hello")], name="b")
    providers = Provider(adapter=a), Provider(adapter=b)
    tiers = [make_tier("one", providers[0], model="small"), make_tier("two", providers[1], model="large")]
    call = asks("hi", said("hello"), "and now?", temperature=0)
    await make_stage(*providers, tiers=tiers).service.complete(call)
    assert (a.requests[0].model, b.requests[0].model) == ("small", "large")
    assert msgspec.structs.replace(b.requests[0], model="small") == a.requests[0]


async def test_a_model_that_is_named_is_asked_alone() -> None:
    a, b = make_provider("a", [DOWN] * 3), make_provider("b", [])
    with pytest.raises(UpstreamUnavailable) as caught:
        await make_stage(a, b).service.complete(asks(model="a/m"))
    assert (asked(a), asked(b), caught.value.tries) == (3, 0, 3)


LENGTHS = [(100, "one"), (480, "one"), (600, "two"), (1900, "two"), (2100, "three")]


@pytest.mark.parametrize(("tokens", "tier"), LENGTHS)
async def test_the_predecessors_tiers_by_length_are_a_configuration(tokens: int, tier: str) -> None:
    """Three slots chosen by length alone, up to 500, up to 2000 and beyond: over one provider, as they were there."""
    provider = Provider(adapter=ScriptedLlm([says("hello")]))
    tiers = [
        make_tier("one", provider, model="small", max_prompt_tokens=500),
        make_tier("two", provider, model="middle", max_prompt_tokens=2000),
        make_tier("three", provider, model="large"),
    ]
    _, report = await make_stage(provider, tiers=tiers).service.complete(asks("x" * 4 * tokens))
    assert report.route.tier == tier


async def test_what_memory_adds_counts_for_the_length(stack: MemoryStack) -> None:
    for number in range(20):
        await stack.ingest_text(f"tea number {number} is green and comes from the hills")
    provider = Provider(adapter=ScriptedLlm([says("hello")]))
    tiers = [make_tier("small", provider, model="s", max_prompt_tokens=100), make_tier("large", provider, model="l")]
    stage = make_stage(provider, tiers=tiers, memory=stack.memory)
    _, report = await stage.service.complete(asks("which tea is green?"))
    assert (report.prepared.tokens > 100, report.route.tier) == (True, "large")


async def test_tools_count_for_the_length() -> None:
    provider = Provider(adapter=ScriptedLlm([says("hello")]))
    tiers = [make_tier("small", provider, model="s", max_prompt_tokens=100), make_tier("large", provider, model="l")]
    _, report = await make_stage(provider, tiers=tiers).service.complete(asks(tools=[{"description": "x" * 400}]))
    assert report.route.tier == "large"


async def test_too_long_for_every_tier_is_the_clients_affair() -> None:
    provider = make_provider("a", [])
    stage = make_stage(provider, tiers=[make_tier("small", provider, max_prompt_tokens=10)])
    with pytest.raises(InvalidInput) as caught:
        await stage.service.complete(asks("x" * 400))
    assert (caught.value.code, asked(provider)) == ("context_length_exceeded", 0)


# --- streams

HELLO = (ROLE, batch(delta("hel")), batch(delta("lo")), END, batch(usage=USAGE))


@pytest.mark.parametrize(
    "broken",
    [
        [],
        [ROLE],
        [StreamCut(upstream="a")],
        [ROLE, NOTHING, StreamCut(upstream="a")],
        [ROLE, RateLimited(upstream="a")],
        [ROLE, QuotaExhausted(upstream="a")],
    ],
    ids=repr,
)
async def test_what_breaks_before_its_first_words_is_answered_by_another(broken: list[Any]) -> None:
    """And the client sees the second stream alone: no role twice, no id of the first."""
    a, b = Streams(broken, name="a"), Streams(HELLO, name="b")
    stream = await make_stage(Provider(adapter=a), Provider(adapter=b)).service.stream(asks())
    assert [piece async for piece in stream.batches()] == [[*ROLE, *batch(delta("hel"))], *HELLO[2:]]
    assert (stream.report.tries, str(stream.report.route)) == (2, "all/b/m")
    assert (a.opened, a.closed, b.opened, b.closed) == (1, 1, 1, 1)


@pytest.mark.parametrize("error", [StreamCut(upstream="a"), UpstreamUnavailable(upstream="a"), ZeroDivisionError()])
async def test_after_its_first_words_nobody_else_is_asked(error: Exception) -> None:
    a, b = Streams([ROLE, batch(delta("hel")), error], name="a"), Streams(HELLO, name="b")
    stream = await make_stage(Provider(adapter=a), Provider(adapter=b)).service.stream(asks())
    with pytest.raises(type(error)) as caught:
        await read(stream)
    assert caught.value is error
    assert (a.closed, b.opened) == (1, 0)


async def test_a_stream_whose_provider_does_not_count_ends_with_an_estimate() -> None:
    """And that is what is booked for it."""
    stage = make_stage(Provider(adapter=Streams(HELLO[:-1])))
    *said_, last = [piece async for piece in (await stage.service.stream(asks())).batches()]
    assert said_ == [[*ROLE, *batch(delta("hel"))], *HELLO[2:-1]]
    assert last == batch(usage=estimated_usage([make_message("hi")], "hello"))
    assert [booking.usage for booking in stage.bookings] == [last[0].usage]


async def test_a_stream_that_is_cut_before_its_first_words_is_tried_again() -> None:
    llm = Streams([ROLE, StreamCut(upstream="a")], HELLO)
    stream = await make_stage(Provider(adapter=llm)).service.stream(asks())
    assert await read(stream) == "hello"
    assert (stream.report.tries, llm.opened, llm.closed) == (2, 2, 2)


@in_virtual_time
async def test_the_time_of_the_request_ends_a_stream_that_does_not_begin() -> None:
    llm = Streams([None])
    stage = make_stage(Provider(adapter=llm, total_timeout_s=5))
    with pytest.raises(UpstreamTimeout) as caught:
        await stage.service.stream(asks())
    assert (now(), caught.value.tries, llm.closed) == (5.5, 1, 1)
    (booking,) = stage.bookings
    assert (booking.outcome, booking.usage.estimated) == ("cancelled", True)


# --- what must stay local

SECRETS: dict[str, ChatCall] = {
    "what the user says": asks("about Project Tulip"),
    "history": asks("about Project\nTulip", said("well"), "go on"),
    "a system message": asks(make_message("you know 机密", role="system"), "hi"),
    "a tool's result": asks("hi", tool_request(), tool_result('{"note": "\\u673a\\u5bc6"}')),
    "a tool's arguments": asks(
        "hi",
        make_message(None, role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments='["\\u673a密"]'),)),
        tool_result(call_id="c"),
    ),
    "a parameter": asks("hi", metadata={"project": "project tulip"}),
    "the definition of a tool": asks("hi", tools=[{"function": {"description": "for Project Tulip"}}]),
}


@pytest.mark.parametrize("call", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("streamed", [True, False])
async def test_what_is_sensitive_reaches_local_models_only(call: ChatCall, streamed: bool) -> None:
    cloud, home = make_provider("cloud", []), make_provider("home", [DOWN, says("hello")], local=True)
    stage = make_stage(cloud, home)
    assert await answer(stage, call, streamed=streamed) == ("hello", "all/home/m", 2)
    assert asked(cloud) == 0


@pytest.mark.parametrize("call", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("streamed", [True, False])
async def test_without_a_local_model_it_fails_closed(call: ChatCall, streamed: bool) -> None:
    cloud = make_provider("cloud", [])
    stage = make_stage(cloud)
    for model in ("auto", "cloud/m", "m"):
        with pytest.raises(LocalModelRequired) as caught:
            await answer(stage, msgspec.structs.replace(call, model=model), streamed=streamed)
        assert "tulip" not in str(caught.value).lower()
    assert (asked(cloud), stage.bookings) == (0, [])


@pytest.mark.parametrize("streamed", [True, False])
async def test_when_the_local_model_fails_no_cloud_model_is_asked(streamed: bool) -> None:
    cloud, home = make_provider("cloud", []), make_provider("home", [DOWN] * 3, local=True)
    with pytest.raises(UpstreamUnavailable) as caught:
        await answer(make_stage(home, cloud), asks("about Project Tulip"), streamed=streamed)
    assert (asked(home), asked(cloud), caught.value.tries) == (3, 0, 3)


async def test_a_sensitive_prompt_too_long_for_the_local_tier_goes_nowhere() -> None:
    cloud, home = make_provider("cloud", []), make_provider("home", [], local=True)
    tiers = [make_tier("local", home, max_prompt_tokens=10), make_tier("cloud", cloud)]
    with pytest.raises(LocalModelRequired):
        await make_stage(home, cloud, tiers=tiers).service.complete(asks("Project Tulip " * 99))
    assert (asked(home), asked(cloud)) == (0, 0)


async def test_a_refused_conversation_is_not_even_recalled_for(stack: MemoryStack) -> None:
    stack.faults.storage.fail("*", error=AssertionError("memory was asked"))
    stage = make_stage(make_provider("cloud", []), memory=stack.memory)
    with pytest.raises(LocalModelRequired):
        await stage.service.complete(asks("about Project Tulip"))
    assert await stack.take() == []


class WatchedRules(SensitiveRules):
    """Rules that note in which threads they were asked."""

    def __init__(self) -> None:
        super().__init__(["Project Tulip"])
        self.threads: list[threading.Thread] = []

    def match_request(self, messages: Iterable[Message], params: Mapping[str, msgspec.Raw]) -> bool:
        """Return what the rules say."""
        self.threads.append(threading.current_thread())
        return super().match_request(messages, params)


LONG = "tea " * 16 * 1024
WHERE_IT_IS_READ = {
    "short": (asks(wired("tea")), True),
    "long": (asks(wired(LONG)), False),
    "long in its history": (asks(wired(LONG[: 40 * 1024]), said("well"), wired(LONG[: 30 * 1024])), False),
    "long by its parameters": (asks(wired("tea"), tools=[{"description": LONG}]), False),
}


@pytest.mark.parametrize(("call", "at_once"), WHERE_IT_IS_READ.values(), ids=WHERE_IT_IS_READ)
async def test_a_long_conversation_is_read_beside_the_loop_and_once(call: ChatCall, at_once: bool) -> None:
    rules, home = WatchedRules(), make_provider("home", [DOWN, says("hello")], local=True)
    service = chat_service([home], rules=rules, policy=QUICK, tiers=[make_tier("all", home)])
    await service.complete(call)
    assert [thread is threading.current_thread() for thread in rules.threads] == [at_once]


async def test_what_is_sensitive_is_found_in_a_long_conversation_too() -> None:
    cloud = make_provider("cloud", [])
    with pytest.raises(LocalModelRequired):
        await make_stage(cloud).service.complete(asks(wired(LONG), said("well"), wired("about Project Tulip")))
    assert asked(cloud) == 0


TURNS: st.SearchStrategy[ScriptedTurn] = st.sampled_from(
    [
        says("hel", "lo"),
        DOWN,
        cuts("one", after=0),
        cuts("one", after=1),
        cuts("one", "two", after=2),
        *(fails(error) for error in ERRORS),
        fails(UpstreamRejected(upstream="a", status=400, message="no")),
        hangs(),
        hangs("one", after=1),
    ]
)


@given(
    scripts=st.lists(st.tuples(st.booleans(), st.lists(TURNS, min_size=4, max_size=4)), min_size=1, max_size=4),
    call=st.sampled_from(list(SECRETS.values())),
    tier_lengths=st.lists(st.none() | st.integers(1, 200), min_size=4, max_size=4),
    streamed=st.booleans(),
)
@in_virtual_time
async def test_whatever_happens_no_cloud_model_sees_what_is_sensitive(
    scripts: list[tuple[bool, list[ScriptedTurn]]], call: ChatCall, tier_lengths: list[int | None], streamed: bool
) -> None:
    providers = [make_provider(f"p{n}", turns, local=local) for n, (local, turns) in enumerate(scripts)]
    tiers = [
        make_tier(f"t{n}", provider, max_prompt_tokens=longest)
        for n, (provider, longest) in enumerate(zip(providers, tier_lengths, strict=False))
    ]
    stage = make_stage(*providers, tiers=tiers, failures=2)
    try:
        async with asyncio.timeout(3000):
            await answer(stage, call, streamed=streamed)
    except (MemoryOSError, TimeoutError):
        pass
    assert all(asked(provider) == 0 for provider in providers if not provider.local)
    answered = [
        turn for provider, (_, turns) in zip(providers, scripts, strict=True) for turn in turns[: asked(provider)]
    ]
    assert len([turn for turn in answered if not isinstance(turn.error, InvalidInput)]) <= QUICK.max_tries
    assert len(stage.bookings) <= 1
    assert all(adapter_of(provider).open_calls == 0 for provider in providers)
    await asyncio.sleep(30)
    assert all(stage.breakers.enter(f"{provider.name}/m", object()) for provider in providers)


# --- what memory recalls for whom


async def test_a_sensitive_page_reaches_the_local_model_and_never_its_fallback(stack: MemoryStack) -> None:
    await remember_secret(stack)
    home = make_provider("home", [DOWN, says("hello")], local=True)
    cloud = make_provider("cloud", [says("hello")])
    stage = make_stage(home, cloud, memory=stack.memory)
    _, report = await stage.service.complete(asks("when does the garden open?"))
    assert "the garden opens in May" in str(adapter_of(home).requests)
    assert "the garden opens in May" not in str(adapter_of(cloud).requests)
    assert "the garden has a wall" in str(adapter_of(cloud).requests)
    assert report.prepared.recalled == ("user: the garden has a wall",), "what the headers tell is what was sent"
    _, report = await stage.service.complete(asks("when does the garden open, again?"))
    assert report.route.provider.name == "home"
    assert "the garden opens in May" in str(report.prepared.recalled)


@pytest.mark.parametrize("applied", [True, False])
async def test_the_mark_of_a_sensitive_conversation_stays_on_its_pages(applied: bool, stack: MemoryStack) -> None:
    """Its other turns hold no word of the rules: it is the mark alone that keeps them at home."""
    home = make_provider("home", [says("Its budget is five million.")], local=True)
    cloud = make_provider("cloud", [says("I do not know.")])
    stage = make_stage(home, cloud, memory=stack.memory)
    await stage.service.complete(asks("about Project Tulip", said("yes?"), "what is the budget?"))
    if applied:
        await stack.settle()
        assert all(page.sensitive for page in await stack.pages())
    await stage.service.complete(asks("what was the budget, five million?", model="cloud/m"))
    assert adapter_of(cloud).requests[0].recalled == ()
    assert "five million." not in str(adapter_of(cloud).requests)


@pytest.mark.parametrize("applied", [True, False])
async def test_a_sensitive_answer_to_a_harmless_question_stays_as_well(applied: bool, stack: MemoryStack) -> None:
    memory = with_rules(stack)
    cloud = make_provider("cloud", [says("It is Project Tulip."), says("I do not know.")])
    stage = make_stage(cloud, memory=memory)
    await stage.service.complete(asks("what is it called?"))
    if applied:
        await stack.settle()
        assert all(page.sensitive for page in await stack.pages())
    await stage.service.complete(asks("tell me what it is called"))
    assert "Tulip" not in str(adapter_of(cloud).requests)


async def test_a_tool_loop_about_a_sensitive_page_stays_at_home(stack: MemoryStack) -> None:
    """What the tools are asked may quote the page."""
    await remember_secret(stack)
    look = ScriptedTurn(tool_calls=(ToolCall(id="call_1", name="look", arguments="{}"),), finish_reason="tool_calls")
    home, cloud = make_provider("home", [look, DOWN, DOWN, DOWN], local=True), make_provider("cloud", [])
    stage = make_stage(home, cloud, memory=stack.memory)
    question = "when does the garden open?"
    await stage.service.complete(asks(question))
    await stack.memory.drain()
    with pytest.raises(UpstreamUnavailable):
        await stage.service.complete(asks(question, tool_request(), tool_result()))
    first, second, *_ = adapter_of(home).requests
    assert "the garden opens in May" in str(first)
    assert first.messages[0] == second.messages[0]
    assert asked(cloud) == 0


# --- a conversation that was sensitive once

SECRET_START: list[str | Message] = [make_message("you know 机密", role="system"), "when does the garden open?"]
GOES_ON: list[str | Message] = ["when does the garden open?", said("In May."), "and when does it close?"]


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_conversation_once_sensitive_stays_so(streamed: bool, applied: bool, stack: MemoryStack) -> None:
    """Its answers may tell what its client has stopped to send."""
    cloud = make_provider("cloud", [says("hello")])
    home = make_provider("home", [says("In May."), says("In autumn."), says("Never.")], local=True)
    stage = make_stage(cloud, home, memory=stack.memory)
    for messages in (SECRET_START, GOES_ON, [*GOES_ON, said("In autumn."), "and the wall?"]):
        assert (await answer(stage, asks(*messages), streamed=streamed))[1] == "all/home/m"
        if applied:
            await stack.settle()
    assert asked(cloud) == 0
    assert {event.sensitive for event in await stack.take()} <= {True}
    assert all(page.sensitive for page in await stack.pages())
    assert (await answer(stage, asks("hi"), streamed=streamed))[1] == "all/cloud/m", "another one is free"


@pytest.mark.parametrize("streamed", [True, False])
async def test_no_cloud_model_that_is_named_gets_what_was_sensitive_once(streamed: bool, stack: MemoryStack) -> None:
    cloud, home = make_provider("cloud", []), make_provider("home", [says("In May.")], local=True)
    stage = make_stage(cloud, home, memory=stack.memory)
    await stage.service.complete(asks(*SECRET_START))
    with pytest.raises(LocalModelRequired):
        await answer(stage, asks(*GOES_ON, model="cloud/m"), streamed=streamed)
    assert asked(cloud) == 0


async def test_what_branches_off_before_it_was_sensitive_is_free(stack: MemoryStack) -> None:
    cloud = make_provider("cloud", [says("hello"), says("fine")])
    home = make_provider("home", [says("well")], local=True)
    stage = make_stage(cloud, home, memory=stack.memory)
    await stage.service.complete(asks("hi"))
    await stage.service.complete(asks("hi", said("hello"), "about Project Tulip"))
    _, report = await stage.service.complete(asks("hi", said("hello"), "about tea"))
    assert (asked(home), report.route.provider.name) == (1, "cloud")


async def test_memory_that_is_too_late_does_not_know_that_it_was_sensitive(stack: MemoryStack) -> None:
    cloud, home = make_provider("cloud", [says("I do not know.")]), make_provider("home", [says("In May.")], local=True)
    stage = make_stage(cloud, home, memory=stack.memory)
    await stage.service.complete(asks(*SECRET_START))
    stack.faults.documents.fail("get")
    _, report = await stage.service.complete(asks(*GOES_ON))
    assert (report.prepared.state, report.route.provider.name) == ("degraded", "cloud")


async def test_an_exchange_whose_plan_is_late_is_marked_all_the_same(stack: MemoryStack) -> None:
    home = make_provider("home", [says("In May.")], local=True)
    await make_stage(home, memory=stack.memory).service.complete(asks(*SECRET_START))
    await stack.settle()
    stack.faults.documents.fail("get")
    call = asks(*GOES_ON)
    prepared = await stack.memory.prepare(call.caller, call.messages)
    stack.faults.documents.mend()
    assert prepared.state == "degraded"
    assert await stack.memory.remember(prepared, Answered(text="In autumn."))
    (event,) = await stack.take()
    assert (event.event_id, event.sensitive) == (prepared.event_id(answer_remembered=True), True)


# --- what is booked


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_complete_answer_is_booked_once_as_reported(streamed: bool) -> None:
    stage = make_stage(make_provider("a", [DOWN]), make_provider("b", [says("hello")]))
    await answer(stage, asks(), streamed=streamed)
    (booking,) = stage.bookings
    assert (booking.usage, booking.outcome, booking.tries) == (REPORTED, "complete", 2)
    assert (booking.route.deployment, booking.tenant_id) == ("b/m", "default")


async def test_the_tenant_of_the_key_pays() -> None:
    stage = make_stage(make_provider("a", [says("hello")]))
    caller = Caller(scope=None, tenant_id=TenantId("acme"))
    await stage.service.complete(msgspec.structs.replace(asks(), caller=caller))
    assert [booking.tenant_id for booking in stage.bookings] == ["acme"]


@pytest.mark.parametrize("streamed", [True, False])
async def test_an_answer_without_usage_is_estimated_by_all_that_was_said(streamed: bool) -> None:
    call = ToolCall(id="c", name="look", arguments='{"a": 1}')
    turn = ScriptedTurn(pieces=("hel", "lo"), reasoning="hm, let me see", tool_calls=(call,), usage=None)
    stage = make_stage(make_provider("a", [turn]))
    await answer(stage, asks("hi", tools=[]), streamed=streamed)
    (booking,) = stage.bookings
    said_ = "hello" + "hm, let me see" + '{"a": 1}'
    assert booking.usage == estimated_usage([make_message("hi")], said_, tools=msgspec.Raw(b"[]"))


async def test_every_choice_is_paid_for() -> None:
    steps = [batch(delta("one", index=0), delta("two", index=1)), batch(delta("three", index=1)), END]
    stage = make_stage(Provider(adapter=Streams(steps)))
    await read(await stage.service.stream(asks()))
    assert stage.bookings[0].usage.completion_tokens == estimate_tokens("onetwothree")


async def test_a_stream_that_is_cut_is_booked_by_what_came() -> None:
    stage = make_stage(make_provider("a", [cuts("one ", "two", "three", after=3)]))
    with pytest.raises(StreamCut):
        await read(await stage.service.stream(asks()))
    (booking,) = stage.bookings
    assert (booking.outcome, booking.usage) == ("cut", estimated_usage([make_message("hi")], "one two"))


async def test_what_a_provider_reports_early_counts_even_when_it_is_cut() -> None:
    early = batch(delta("one"), usage=USAGE)
    stage = make_stage(Provider(adapter=Streams([early, batch(delta("two")), StreamCut(upstream="a")])))
    with pytest.raises(StreamCut):
        await read(await stage.service.stream(asks()))
    assert [(booking.outcome, booking.usage) for booking in stage.bookings] == [("cut", USAGE)]


@pytest.mark.parametrize("batches", [1, 2, 3])
async def test_a_client_that_leaves_amid_a_stream_is_booked_once(batches: int) -> None:
    llm = Streams([ROLE, batch(delta("one")), batch(delta("two")), batch(delta("three")), None])
    stage = make_stage(Provider(adapter=llm))
    async with aclosing((await stage.service.stream(asks())).batches()) as stream:
        for _ in range(batches):
            await anext(stream)
    (booking,) = stage.bookings
    assert (booking.outcome, booking.usage.estimated, llm.closed) == ("cancelled", True, 1)


@in_virtual_time
async def test_a_client_that_leaves_while_a_stream_pauses_is_booked_once() -> None:
    llm = Streams([ROLE, batch(delta("one")), None])
    stage = make_stage(Provider(adapter=llm))
    reading = asyncio.create_task(read(await stage.service.stream(asks())))
    await asyncio.sleep(5)
    await cancelled(reading)
    (booking,) = stage.bookings
    assert (booking.outcome, booking.usage) == ("cancelled", estimated_usage([make_message("hi")], "one"))
    assert llm.closed == 1


@pytest.mark.parametrize("streamed", [True, False])
@in_virtual_time
async def test_a_client_that_leaves_before_the_answer_pays_for_its_prompt(streamed: bool) -> None:
    a, b = make_provider("a", [DOWN]), make_provider("b", [hangs()])
    stage = make_stage(a, b)
    asking = asyncio.create_task(answer(stage, asks("hi"), streamed=streamed))
    await asyncio.sleep(5)
    await cancelled(asking)
    (booking,) = stage.bookings
    assert (booking.route.deployment, booking.outcome, booking.tries) == ("b/m", "cancelled", 2)
    assert booking.usage == estimated_usage([make_message("hi")], "")
    assert adapter_of(b).open_calls == 0


@pytest.mark.parametrize("streamed", [True, False])
@in_virtual_time
async def test_a_model_that_was_never_sent_anything_is_not_booked_as_a_try(streamed: bool) -> None:
    refusal = InvalidInput("no tools here", param="tools", code="unsupported_parameter")
    stage = make_stage(make_provider("a", [fails(refusal)]), make_provider("b", [hangs()]))
    asking = asyncio.create_task(answer(stage, asks(), streamed=streamed))
    await asyncio.sleep(5)
    await cancelled(asking)
    assert [(booking.route.deployment, booking.tries) for booking in stage.bookings] == [("b/m", 1)]


@pytest.mark.parametrize("streamed", [True, False])
@in_virtual_time
async def test_a_client_that_leaves_while_nobody_is_asked_pays_nothing(streamed: bool) -> None:
    patient = RetryPolicy(max_tries=3, max_wait_s=60)
    stage = make_stage(make_provider("a", [fails(RateLimited(upstream="a", retry_after_s=50))]), policy=patient)
    asking = asyncio.create_task(answer(stage, asks(), streamed=streamed))
    await asyncio.sleep(5)
    await cancelled(asking)
    assert stage.bookings == []


@pytest.mark.parametrize("streamed", [True, False])
async def test_failures_are_not_booked(streamed: bool) -> None:
    stage = make_stage(make_provider("a", [DOWN] * 3))
    with pytest.raises(UpstreamUnavailable):
        await answer(stage, asks(), streamed=streamed)
    assert stage.bookings == []


async def test_a_client_that_leaves_while_the_exchange_is_stored_is_booked_once(stack: MemoryStack) -> None:
    stage = make_stage(make_provider("a", [says("hello")]), memory=stack.memory)
    stack.faults.events.hold("publish")
    asking = asyncio.create_task(stage.service.complete(asks()))
    await until(lambda: bool(stage.bookings))
    await cancelled(asking)
    assert [(booking.outcome, booking.usage) for booking in stage.bookings] == [("complete", REPORTED)]


# --- helpers


async def answer(stage: Stage, call: ChatCall, *, streamed: bool) -> tuple[str, str, int]:
    """Return the text of an answer, the route that gave it, and its tries."""
    if streamed:
        stream = await stage.service.stream(call)
        return await read(stream), str(stream.report.route), stream.report.tries
    whole, report = await stage.service.complete(call)
    return whole.choices[0].message.content or "", str(report.route), report.tries


async def read(stream: ChatStream) -> str:
    """Return the text of a stream, read to its end."""
    async with aclosing(stream.batches()) as batches:
        return "".join([one.content or "" async for piece in batches for chunk in piece for one in chunk.deltas])


async def remember_secret(stack: MemoryStack) -> None:
    """Remember one sensitive turn and one that is not, both without a word of the rules."""
    home = make_provider("home", [says("noted")], local=True)
    stage = make_stage(home, memory=stack.memory)
    await stage.service.complete(asks(make_message("机密", role="system"), "the garden opens in May"))
    await stack.settle()
    await stack.ingest_text("the garden has a wall")


def with_rules(stack: MemoryStack) -> ChatMemory:
    """Return the memory of a stack whose ingest knows the rules."""
    ingest = Ingest(
        events=stack.events,
        short_term=stack.short_term,
        storage=stack.storage,
        embedder=stack.embedder,
        sensitive=RULES,
    )
    return ChatMemory(
        recall=stack.recall, ingest=ingest, conversations=stack.conversations, clock=stack.clock, settings=PATIENT
    )


def adapter_of(provider: Provider) -> ScriptedLlm:
    """Return the scripted model behind a provider."""
    assert isinstance(provider.adapter, ScriptedLlm)
    return provider.adapter


async def cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and see it end so."""
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def until(is_time: Callable[[], bool]) -> None:
    """Return as soon as a condition holds."""
    async with asyncio.timeout(5):
        while not is_time():  # noqa: ASYNC110 - what is waited for belongs to a double, which tells nobody
            await asyncio.sleep(0)
