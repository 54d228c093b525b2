"""The adapter for Anthropic's Messages keeps the promises of its port; Anthropic's own SDK reads and says the same."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import msgspec
import pytest

from memoryos_adapters.http import Http
from memoryos_adapters.llm.anthropic.adapter import AnthropicLlm
from memoryos_adapters.settings import LlmProviderSettings, Secret
from memoryos_ports.errors import (
    InvalidInput,
    ModelNotFound,
    QuotaExhausted,
    StreamCut,
    UpstreamRejected,
    UpstreamUnavailable,
)
from memoryos_ports.llm import LlmAdapter
from tests.contract.llm.conftest import Make
from tests.contract.llm.decoders import MakeDecoder, StreamDecoderContract, Streams
from tests.contract.llm.faults import KEY, LlmFaultContract, assert_idle, broken_stream, errors_of_both
from tests.contract.llm.owner_cache import OwnerCacheContract, ToolTurn
from tests.contract.llm.requests import deltas_of, make_request, stream_of, text_of
from tests.contract.llm.suite import LlmContract
from tests.support.anthropic_answers import (
    block,
    ended,
    events,
    message,
    named,
    refusal,
    speak_anthropic,
    stream_of_events,
)
from tests.support.anthropic_requests import (
    NEWEST_MODEL,
    TOOL_MODEL,
    ask,
    calling,
    function,
    json_schema,
    make_dialect,
    result,
    user,
)
from tests.support.completion import Completion
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

_THOUGHTFUL = Completion(
    reasoning="Hm.",
    pieces=("I ", "look."),
    tools=(("toolu_1", "a", '{"x":1}'), ("toolu_2", "b", "{}")),
    finish_reason="tool_calls",
)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """A fake Anthropic that answers ``Hello!`` unless told otherwise."""
    async with FakeUpstream(speak_anthropic) as upstream:
        yield upstream


@pytest.fixture
def make(upstream: FakeUpstream, outgoing: Http) -> Make:
    """Makes adapters with other settings than a minute for everything."""
    minute = dict.fromkeys(("first_token_timeout_s", "idle_timeout_s", "total_timeout_s"), 60.0)

    def make(**settings: Any) -> LlmAdapter:
        defaults = {"base_url": upstream.root_url, "api_key": Secret(KEY), **minute}
        return AnthropicLlm("provider", LlmProviderSettings(kind="anthropic", **{**defaults, **settings}), outgoing)

    return make


@pytest.fixture
def patient(make: Make) -> LlmAdapter:
    """An adapter that never gives up within a test."""
    return make()


@pytest.fixture
async def sdk(upstream: FakeUpstream) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Anthropic's own client of the same fake."""
    async with anthropic.AsyncAnthropic(base_url=upstream.root_url, api_key=KEY, max_retries=0) as client:
        yield client


class TestAnthropicLlm(LlmContract):
    """`AnthropicLlm` on a provider that works."""

    @pytest.fixture
    def llm(self, patient: LlmAdapter) -> LlmAdapter:
        """The adapter."""
        return patient


class TestAnthropicLlmOnAFailingProvider(LlmFaultContract):
    """`AnthropicLlm` on a provider that fails in every way."""

    @pytest.fixture
    def llm(self, patient: LlmAdapter) -> LlmAdapter:
        """The adapter."""
        return patient

    @pytest.fixture
    def hasty_llm(self, make: Make) -> LlmAdapter:
        """One that gives up soon: whole answers by their total time, streams by the other two."""
        return make(first_token_timeout_s=0.5, idle_timeout_s=0.3, total_timeout_s=1)


class TestAnthropicStreamDecoder(StreamDecoderContract):
    """The decoder of its streams; an answer by the forced tool is among them."""

    @pytest.fixture
    def new_decoder(self) -> MakeDecoder:
        """Makes decoders for a request that older models answer by a tool."""
        request = ask(model=TOOL_MODEL, response_format=json_schema({"type": "object"}))
        return lambda: make_dialect().stream_decoder(request)

    @pytest.fixture
    def streams(self) -> Streams:
        """The end is said by the last byte: that of ``message_stop``."""
        redacted = block(0, {"type": "redacted_thinking", "data": "b3BhcXVl"})
        shown = {
            "text": events(Completion(pieces=("Hé", "llo 🍵"))),
            "thoughts, text and parallel calls": events(_THOUGHTFUL),
            "an answer by the tool": events(Completion(tools=(("toolu_1", "json_answer", '{"a":1}'),))),
            "redacted thoughts and nothing else": [
                {"type": "message_start", "message": message(stop_reason=None)},
                *redacted,
                ended("max_tokens"),
                {"type": "message_stop"},
            ],
        }
        return {title: (stream_of_events(*items), b"") for title, items in shown.items()}


async def test_the_version_is_pinned_and_the_key_is_in_its_own_header(
    patient: LlmAdapter, upstream: FakeUpstream
) -> None:
    await patient.chat(make_request())

    received = upstream.requests[0]
    assert (received.method, received.path) == ("POST", "/v1/messages")
    assert received.headers["anthropic-version"] == "2023-06-01"
    assert received.headers["x-api-key"] == KEY
    assert received.headers["content-type"] == "application/json"
    assert "authorization" not in received.headers


async def test_the_settings_may_pin_another_version(make: Make, upstream: FakeUpstream) -> None:
    answer = await make(headers={"Anthropic-Version": Secret("2026-10-21")}).chat(ask(temperature=0.5))

    assert upstream.requests[0].headers["anthropic-version"] == "2026-10-21"
    assert answer.facts.dropped_params == ("temperature",)


async def test_it_is_reached_by_a_look_at_the_models(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    await patient.reach()

    received = upstream.requests[0]
    assert (received.method, received.path, received.query) == ("GET", "/v1/models", {"limit": "1"})
    assert received.headers["x-api-key"] == KEY


async def test_its_request_id_limits_and_dropped_params_are_facts_of_the_call(
    patient: LlmAdapter, upstream: FakeUpstream
) -> None:
    headers = {"request-id": "req_7", "anthropic-ratelimit-requests-remaining": "9", "cf-ray": "x"}
    upstream.always = msgspec.structs.replace(Reply.text("Hi."), headers=headers)
    request = make_request(model=NEWEST_MODEL, temperature=1, seed=7)

    answer = await patient.chat(request)
    first, *others = await stream_of(patient, request)

    for facts in (answer.facts, first.facts):
        assert facts.headers == {
            "x-memoryos-upstream-request-id": "req_7",
            "anthropic-ratelimit-requests-remaining": "9",
        }
        assert facts.dropped_params == ("seed", "temperature")
    assert not any(chunk.facts.headers for chunk in others)


async def test_what_cannot_be_said_is_refused_before_anything_is_sent(
    patient: LlmAdapter, upstream: FakeUpstream
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await patient.chat(make_request(n=2))

    assert caught.value.code == "unsupported_value"
    assert upstream.requests == []


class TestWhatIsKeptForOwners(OwnerCacheContract):
    """Signed thoughts go with their owner."""

    @pytest.fixture
    def llm(self, patient: LlmAdapter) -> LlmAdapter:
        """An adapter that never gives up."""
        return patient

    @pytest.fixture
    def turn(self) -> ToolTurn:
        """Calls of two tools after a thought."""
        calls = calling(("toolu_1", "a", '{"x":1}'), ("toolu_2", "b", "{}"), content="I look.")
        loop = (user("Look."), calls, result("toolu_1", "1"), result("toolu_2", "2"))
        asked = ask(user("Look."), model=NEWEST_MODEL, tools=[function("a"), function("b")])
        return ToolTurn(asked=asked, called=Reply(completion=_THOUGHTFUL), returned=ask(*loop, model=NEWEST_MODEL))


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_loop_keeps_the_thoughts_that_the_client_lost(
    patient: LlmAdapter, upstream: FakeUpstream, streamed: bool
) -> None:
    upstream.next(Reply(completion=_THOUGHTFUL))
    first = ask(user("Look."), model=NEWEST_MODEL, owner="alice", tools=[function("a"), function("b")])
    await (stream_of(patient, first) if streamed else patient.chat(first))

    calls = calling(("toolu_1", "a", '{"x":1}'), ("toolu_2", "b", "{}"), content="I look.")
    loop = (user("Look."), calls, result("toolu_1", "1"), result("toolu_2", "2"))
    await patient.chat(ask(*loop, model=NEWEST_MODEL, owner="alice"))
    await patient.chat(ask(*loop, model=NEWEST_MODEL, owner="mallory"))

    thoughts = [{"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}]
    contents = [received.json["messages"][1]["content"] for received in upstream.requests[1:]]
    assert [content[:-3] for content in contents] == [thoughts, []]


async def test_whole_and_streamed_thoughts_and_calls_are_the_same(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply(completion=_THOUGHTFUL)

    (choice,) = (await patient.chat(make_request())).choices
    deltas = deltas_of(await stream_of(patient, make_request()))

    assert "".join(delta.reasoning or "" for delta in deltas) == choice.message.reasoning == "Hm."
    assert "".join(delta.content or "" for delta in deltas) == choice.message.content == "I look."
    pieces = [call for delta in deltas for call in delta.tool_calls]
    assert [(call.id, call.name) for call in choice.message.tool_calls] == [
        (piece.id, piece.name) for piece in pieces if piece.id
    ]
    assert [call.arguments for call in choice.message.tool_calls] == [
        "".join(piece.arguments for piece in pieces if piece.index == number) for number in (0, 1)
    ]
    assert deltas[-1].finish_reason == choice.finish_reason == "tool_calls"
    assert {name: bytes(raw) for name, raw in deltas[-1].extra.items()} == {
        name: bytes(raw) for name, raw in choice.message.extra.items()
    }


async def test_an_unknown_model_is_model_not_found(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json(refusal("not_found_error", "model: fake-model"), status=404)

    for error in await errors_of_both(patient):
        assert isinstance(error, ModelNotFound)
        assert error.identifier == "fake-model"


async def test_a_usage_limit_is_no_quota(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    text = "You have reached your specified API usage limits."
    upstream.always = Reply.json(refusal("invalid_request_error", text), status=400)

    for error in await errors_of_both(patient):
        assert type(error) is QuotaExhausted


async def test_a_prompt_that_is_too_long_has_its_code(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    text = "prompt is too long: 2 tokens > 1 maximum"
    upstream.always = Reply.json(refusal("invalid_request_error", text), status=400)

    for error in await errors_of_both(patient):
        assert isinstance(error, UpstreamRejected)
        assert (error.status, error.code, error.message) == (400, "context_length_exceeded", text)


@pytest.mark.parametrize("opening", [(), ({"type": "message_start", "message": message()}, {"type": "ping"})])
async def test_overload_before_the_first_token_is_unavailable_and_nothing_was_answered(
    patient: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession, opening: tuple[dict[str, Any], ...]
) -> None:
    overloaded = refusal("overloaded_error", "Overloaded")
    upstream.next(Reply.events(*map(named, (*opening, overloaded)), done=False))

    chunks, error = await broken_stream(patient, make_request())

    assert chunks == []
    assert isinstance(error, UpstreamUnavailable)
    assert (error.status, error.retryable) == (529, True)
    assert_idle(session)


async def test_overload_in_the_middle_ends_the_stream_after_what_came(
    patient: LlmAdapter, upstream: FakeUpstream
) -> None:
    begun = events(Completion(pieces=("Hel", "lo")))[:4]
    upstream.next(Reply.events(*map(named, (*begun, refusal("overloaded_error", "Overloaded"))), done=False))

    chunks, error = await broken_stream(patient, make_request())

    assert text_of(chunks) == "Hel"
    assert type(error) is UpstreamUnavailable


async def test_a_stream_without_message_stop_is_cut(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.next(Reply.events(*map(named, events(Completion(pieces=("Hel", "lo")))[:-1]), done=False))

    chunks, error = await broken_stream(patient, make_request())

    assert text_of(chunks) == "Hello"
    assert [delta.finish_reason for delta in deltas_of(chunks)] == [None, None]
    assert type(error) is StreamCut


async def test_the_sdk_reads_the_same_in_a_whole_answer(
    patient: LlmAdapter, upstream: FakeUpstream, sdk: anthropic.AsyncAnthropic
) -> None:
    upstream.always = Reply(completion=_THOUGHTFUL)

    theirs = await sdk.messages.create(model=NEWEST_MODEL, max_tokens=9, messages=[{"role": "user", "content": "Hi"}])
    ours = await patient.chat(make_request(model=NEWEST_MODEL))

    _assert_says_the_same(theirs, ours)


async def test_the_sdk_reads_the_same_in_a_stream(
    patient: LlmAdapter, upstream: FakeUpstream, sdk: anthropic.AsyncAnthropic
) -> None:
    upstream.always = Reply(completion=_THOUGHTFUL)

    async with sdk.messages.stream(
        model=NEWEST_MODEL, max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        theirs = await stream.get_final_message()
    chunks = await stream_of(patient, make_request(model=NEWEST_MODEL))

    _assert_says_the_same(theirs, await patient.chat(make_request(model=NEWEST_MODEL)))
    assert text_of(chunks) == "I look."
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == theirs.usage.output_tokens


@pytest.mark.parametrize(
    ("status", "kind", "theirs"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (401, "authentication_error", anthropic.AuthenticationError),
        (403, "permission_error", anthropic.PermissionDeniedError),
        (404, "not_found_error", anthropic.NotFoundError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (529, "overloaded_error", anthropic.APIStatusError),
    ],
)
async def test_the_sdk_reads_the_same_refusals(
    upstream: FakeUpstream, sdk: anthropic.AsyncAnthropic, status: int, kind: str, theirs: type[Exception]
) -> None:
    upstream.always = Reply.json(refusal(kind, "No."), status=status)

    with pytest.raises(theirs) as caught:
        await sdk.messages.create(model=NEWEST_MODEL, max_tokens=9, messages=[{"role": "user", "content": "Hi"}])

    assert isinstance(caught.value, anthropic.APIStatusError)
    assert (caught.value.status_code, caught.value.type) == (status, kind)


async def test_the_sdk_fails_in_the_same_streams(upstream: FakeUpstream, sdk: anthropic.AsyncAnthropic) -> None:
    begun = events(Completion(pieces=("Hel", "lo")))[:4]
    upstream.next(Reply.events(*map(named, (*begun, refusal("overloaded_error", "Overloaded"))), done=False))

    stream = await sdk.messages.create(
        model=NEWEST_MODEL, max_tokens=9, messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    seen: list[str] = []
    with pytest.raises(anthropic.APIStatusError):
        seen += [event.type async for event in stream]


async def test_the_sdk_sends_the_same_request(
    patient: LlmAdapter, upstream: FakeUpstream, sdk: anthropic.AsyncAnthropic
) -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string", "minLength": 1}}}
    closed = anthropic.transform_schema(schema)
    png = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
    theirs: dict[str, Any] = {
        "model": NEWEST_MODEL,
        "max_tokens": 99,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look."},
                    {"type": "image", "source": png},
                    {"type": "image", "source": {"type": "url", "url": "https://example.org/a.jpg"}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    thought,
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"q": "é"}},
                    {"type": "tool_use", "id": "toolu_2", "name": "look_up", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "42"}]},
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_2",
                        "content": [{"type": "text", "text": "no"}, {"type": "image", "source": png}],
                        "is_error": True,
                    },
                ],
            },
        ],
        "tools": [{"name": "look_up", "description": "Looks up.", "input_schema": closed, "strict": True}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u-1"},
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"format": {"type": "json_schema", "schema": closed}, "effort": "high"},
    }
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    linked = {"type": "image_url", "image_url": {"url": "https://example.org/a.jpg"}}
    ours = ask(
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
        user([{"type": "text", "text": "Look."}, image, linked]),
        calling(
            ("toolu_1", "look_up", '{"q": "é"}'),
            ("toolu_2", "look_up", ""),
            content="I look.",
            thinking_blocks=[thought],
        ),
        result("toolu_1", "42"),
        result("toolu_2", [{"type": "text", "text": "no"}, image], is_error=True),
        model=NEWEST_MODEL,
        max_tokens=99,
        tools=[function("look_up", description="Looks up.", parameters=schema, strict=True)],
        parallel_tool_calls=False,
        stop="END",
        user="u-1",
        reasoning_effort="high",
        response_format=json_schema(schema),
    )

    await sdk.messages.create(**theirs)
    await patient.chat(ours)

    they, we = (received.json for received in upstream.requests)
    assert we == {**they, "stream": False}
    assert [received.path for received in upstream.requests] == ["/v1/messages", "/v1/messages"]


def _assert_says_the_same(theirs: anthropic.types.Message, ours: Any) -> None:
    """Compare what the SDK and the adapter read in the same body."""
    (choice,) = ours.choices
    thoughts, text, *calls = theirs.content
    assert (theirs.id, theirs.model, theirs.stop_reason) == (ours.id, ours.model, choice.native_finish_reason)
    assert msgspec.json.decode(choice.message.extra["thinking_blocks"]) == [thoughts.model_dump()]
    assert isinstance(text, anthropic.types.TextBlock)
    assert text.text == choice.message.content
    assert [(call.id, call.name, msgspec.json.decode(call.arguments)) for call in choice.message.tool_calls] == [
        (call.id, call.name, call.input) for call in calls if isinstance(call, anthropic.types.ToolUseBlock)
    ]
    cached = theirs.usage.cache_read_input_tokens or 0
    assert (ours.usage.prompt_tokens, ours.usage.cached_tokens) == (theirs.usage.input_tokens + cached, cached)
