"""The adapter for DeepSeek keeps the promises of its port, with thoughts that come and go (DS1-DS6)."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from msgspec.structs import replace

from memoryos_adapters.http import Http
from memoryos_adapters.llm.deepseek.adapter import DeepSeekDialect, DeepSeekLlm
from memoryos_adapters.settings import LlmProviderSettings, Secret
from memoryos_ports.errors import (
    QuotaExhausted,
    RateLimited,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.llm import ChatRequest, LlmAdapter, Message, Usage
from memoryos_ports.llm_embeddings import EmbeddingsAdapter
from tests.contract.llm.conftest import Make
from tests.contract.llm.decoders import MakeDecoder, StreamDecoderContract, Streams
from tests.contract.llm.faults import KEY, LlmFaultContract, broken_stream, errors_of_both
from tests.contract.llm.openai_sdk import BODY, TOOLS, OpenAiSdkContract, request_of, without_thoughts
from tests.contract.llm.owner_cache import OwnerCacheContract, ToolTurn
from tests.contract.llm.requests import deltas_of, make_request, stream_of, text_of
from tests.contract.llm.suite import LlmContract
from tests.support import deepseek_answers as deepseek
from tests.support.completion import Completion, sse
from tests.support.fake_upstream import FakeUpstream
from tests.support.openai_answers import choice_delta, chunk
from tests.support.replies import Reply

V4 = "deepseek-v4-flash"
V3 = "deepseek-reasoner"
LOSSY = {**without_thoughts(), "model": V4}
CALLED = Reply(completion=Completion(reasoning="Look it up.", tools=TOOLS, finish_reason="tool_calls"))


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """A fake DeepSeek that answers ``Hello!`` unless told otherwise."""
    async with FakeUpstream(deepseek.speak_deepseek) as upstream:
        yield upstream


@pytest.fixture
def make(upstream: FakeUpstream, outgoing: Http) -> Make:
    """Makes adapters with other settings than a minute for each time-out."""

    def make(**settings: Any) -> DeepSeekLlm:
        minute = dict.fromkeys(("first_token_timeout_s", "idle_timeout_s", "total_timeout_s"), 60.0)
        base = LlmProviderSettings(kind="deepseek", base_url=upstream.base_url, api_key=Secret(KEY))
        return DeepSeekLlm("provider", replace(base, **{**minute, **settings}), outgoing)

    return make


class TestDeepSeekLlm(LlmContract):
    """`DeepSeekLlm` on a provider that works."""


class TestDeepSeekLlmOnAFailingProvider(LlmFaultContract):
    """`DeepSeekLlm` on a provider that fails in every way."""


class TestWhatIsKeptForOwners(OwnerCacheContract):
    """Thoughts go with their owner."""

    @pytest.fixture
    def turn(self) -> ToolTurn:
        """A call of tools after thoughts."""
        return ToolTurn(asked=ChatRequest(model=V4, messages=()), called=CALLED, returned=request_of(LOSSY))


class TestDeepSeekStreamDecoder(StreamDecoderContract):
    """The decoder of DeepSeek's streams."""

    @pytest.fixture
    def new_decoder(self) -> MakeDecoder:
        """Makes decoders."""
        settings = LlmProviderSettings(kind="deepseek", base_url="https://api.deepseek.com/v1")
        dialect = DeepSeekDialect("provider", settings)
        return lambda: dialect.stream_decoder(make_request())

    @pytest.fixture
    def streams(self) -> Streams:
        """Streams that show all there is, up to the event with the end and the usage, and the rest."""
        completions = {
            "text": Completion(pieces=("Hé", "llo 🍵")),
            "thoughts and parallel tools": Completion(reasoning="Hé?", tools=TOOLS, finish_reason="tool_calls"),
            "thoughts": Completion(reasoning="Let me think: é.", pieces=("42",)),
        }
        streams = {}
        for title, completion in completions.items():
            *said, end = map(sse, deepseek.chunks(completion, model=V4))
            head = deepseek.KEEP_ALIVE + deepseek.KEEP_ALIVE.join(said)
            streams[title] = (head + end[:-1], end[-1:] + b"data: [DONE]\n\n")
        return streams


class TestTheSdk(OpenAiSdkContract):
    """`openai.AsyncOpenAI` as oracle, which is what DeepSeek's own documentation uses."""

    @pytest.fixture
    async def sdk(self, upstream: FakeUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
        """The SDK on the same provider."""
        async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key=KEY, max_retries=0) as sdk:
            yield sdk

    @pytest.fixture
    def body(self) -> dict[str, Any]:
        """A tool turn with its thoughts."""
        return {**BODY, "model": V4}


async def test_thoughts_are_reasoning_beside_the_content(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.thinking("Six times seven.", "4", "2")

    (choice,) = (await llm.chat(make_request(model=V4))).choices
    chunks = await stream_of(llm, make_request(model=V4))

    assert (choice.message.reasoning, choice.message.content) == ("Six times seven.", "42")
    assert "".join(delta.reasoning or "" for delta in deltas_of(chunks)) == "Six times seven."
    assert text_of(chunks) == "42"


class TestThoughtsOfToolTurns:
    """Newer models want their thoughts back with their tool calls, older ones refuse them (DS2)."""

    @pytest.mark.parametrize("model", [V4, "deepseek-v4-pro", "deepseek-flash"])
    async def test_newer_models_get_them_back_as_they_came(
        self, llm: LlmAdapter, upstream: FakeUpstream, model: str
    ) -> None:
        await llm.chat(request_of({**BODY, "model": model}))

        assert upstream.requests[0].json["messages"] == BODY["messages"]

    @pytest.mark.parametrize("model", [V3, "deepseek-chat", "deepseek-r1", "DeepSeek-V3.2"])
    async def test_older_models_never_see_them(self, llm: LlmAdapter, upstream: FakeUpstream, model: str) -> None:
        await llm.chat(request_of({**BODY, "model": model}))

        assert upstream.requests[0].json["messages"] == LOSSY["messages"]

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_a_client_that_loses_them_has_them_restored(
        self, llm: LlmAdapter, upstream: FakeUpstream, streamed: bool
    ) -> None:
        upstream.next(CALLED)
        if streamed:
            await stream_of(llm, ChatRequest(model=V4, messages=(), owner="ana"))
        else:
            await llm.chat(ChatRequest(model=V4, messages=(), owner="ana"))

        await llm.chat(request_of(LOSSY, owner="ana"))

        assert upstream.requests[1].json["messages"] == BODY["messages"]

    async def test_messages_that_were_built_here_have_them_restored_as_well(
        self, llm: LlmAdapter, upstream: FakeUpstream
    ) -> None:
        upstream.next(CALLED)
        await llm.chat(ChatRequest(model=V4, messages=(), owner="ana"))
        request = request_of(LOSSY, owner="ana")
        built = tuple(replace(message, wire=None) for message in request.messages)

        await llm.chat(replace(request, messages=built))

        asked = upstream.requests[1].json["messages"][2]
        assert asked["reasoning_content"] == "Look it up."
        assert [call["id"] for call in asked["tool_calls"]] == ["call_1", "call_2"]

    async def test_what_is_forgotten_is_an_empty_text(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        await llm.chat(request_of(LOSSY))

        messages = upstream.requests[0].json["messages"]
        assert [message.get("reasoning_content") for message in messages] == [None, None, "", None, None]

    async def test_the_thoughts_of_somebody_else_are_not_given(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        upstream.next(CALLED)
        await llm.chat(ChatRequest(model=V4, messages=(), owner="ana"))

        await llm.chat(request_of(LOSSY, owner="bob"))

        assert upstream.requests[1].json["messages"][2]["reasoning_content"] == ""

    async def test_nothing_is_added_when_thinking_is_off(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        await llm.chat(request_of({**LOSSY, "thinking": {"type": "disabled"}}))

        assert upstream.requests[0].json["messages"] == LOSSY["messages"]


async def test_thinking_and_its_effort_pass_as_they_came(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    await llm.chat(make_request(model=V4, thinking={"type": "enabled"}, reasoning_effort="max"))

    assert upstream.requests[0].json["thinking"] == {"type": "enabled"}
    assert upstream.requests[0].json["reasoning_effort"] == "max"


async def test_knobs_that_thinking_ignores_are_named_as_dropped(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    knobs: dict[str, Any] = {"temperature": 0.1, "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1, "seed": 1}

    answer = await llm.chat(make_request(model=V4, **knobs))
    chunks = await stream_of(llm, make_request(model=V4, **knobs))

    ignored = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
    assert answer.facts.dropped_params == chunks[0].facts.dropped_params == ignored
    for received in upstream.requests:
        assert not {*ignored} & {*received.json}
        assert received.json["seed"] == 1


async def test_empty_lines_before_an_answer_are_waited_out(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    body = b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[%s]}'
    choice = b'{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}'
    lines = (b"\n",) * 5
    upstream.next(Reply(headers={"content-type": "application/json"}, pieces=(*lines, body % choice)).paced(0.02))

    answer = await llm.chat(make_request())

    assert answer.wire == body % choice


async def test_only_empty_lines_are_no_answer(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.next(Reply(headers={"content-type": "application/json"}, pieces=(b"\n\n",)))

    with pytest.raises(UpstreamProtocolError):
        await llm.chat(make_request())


async def test_comments_keep_a_stream_alive_once_it_has_begun(hasty_llm: LlmAdapter, upstream: FakeUpstream) -> None:
    first, end = chunk(choice_delta({"role": "assistant", "content": "Hi"})), chunk(choice_delta({}, "stop"))
    upstream.next(Reply.events(first, *[deepseek.KEEP_ALIVE] * 8, end).paced(0.06))

    chunks = await stream_of(hasty_llm, make_request())

    assert deltas_of(chunks)[-1].finish_reason == "stop"


async def test_comments_are_no_first_token(hasty_llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.next(Reply.events(*[deepseek.KEEP_ALIVE] * 50).paced(0.06))

    chunks, error = await broken_stream(hasty_llm, make_request())

    assert chunks == []
    assert type(error) is UpstreamTimeout


async def test_an_empty_balance_is_no_quota(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(402, "Insufficient Balance", kind="unknown_error", code="invalid_request_error")

    for error in await errors_of_both(llm):
        assert type(error) is QuotaExhausted
        assert not error.retryable


async def test_invalid_parameters_are_a_400(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(422, "Invalid temperature.", kind="invalid_request_error", param="temperature")

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamRejected)
        assert (error.status, error.message, error.param) == (400, "Invalid temperature.", "temperature")


async def test_an_overloaded_server_may_be_asked_again(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(503, "Server overloaded", headers={"retry-after": "3"})

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamUnavailable)
        assert (error.retryable, error.retry_after_s) == (True, 3)


async def test_a_rate_limit_is_told_as_such(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(429, "Rate Limit Reached", headers={"retry-after": "3"})

    for error in await errors_of_both(llm):
        assert isinstance(error, RateLimited)
        assert error.retry_after_s == 3


async def test_too_few_system_resources_are_an_error_and_no_end(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.text("Half an", finish_reason="insufficient_system_resource")

    with pytest.raises(UpstreamUnavailable):
        await llm.chat(make_request())
    chunks, error = await broken_stream(llm, make_request())

    assert text_of(chunks) == "Half an"
    assert not any(delta.finish_reason for delta in deltas_of(chunks))
    assert isinstance(error, UpstreamUnavailable)


async def test_cache_hits_are_cached_tokens(llm: LlmAdapter) -> None:
    usage = Usage(prompt_tokens=7, completion_tokens=3, cached_tokens=2, reasoning_tokens=1)

    assert (await llm.chat(make_request())).usage == usage
    assert (await stream_of(llm, make_request()))[-1].usage == usage


def test_there_are_no_embeddings(llm: LlmAdapter) -> None:
    assert not isinstance(llm, EmbeddingsAdapter)


async def test_every_answer_of_an_agent_says_its_thoughts_or_that_they_are_lost(
    make: Make, upstream: FakeUpstream
) -> None:
    """DS2: a final text of an earlier turn as well."""
    tools = [{"type": "function", "function": {"name": "f"}}]
    request = make_request("And now?", model="deepseek-v4-pro", tools=tools)
    said = Message(role="assistant", content="It is sunny.")

    await make().chat(replace(request, messages=(said, *request.messages)))

    assert upstream.requests[0].json["messages"][0] == {
        "role": "assistant",
        "content": "It is sunny.",
        "reasoning_content": "",
    }
