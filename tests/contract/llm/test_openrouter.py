"""The adapter for OpenRouter keeps the promises of its ports, for every provider behind it (OR1-OR6)."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import openai
import pytest
from msgspec.structs import replace

from memoryos_adapters.http import Http
from memoryos_adapters.llm.openrouter.adapter import OpenRouterDialect, OpenRouterLlm
from memoryos_adapters.settings import LlmProviderSettings, Secret
from memoryos_ports.errors import (
    MemoryOSError,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.llm import ChatRequest, LlmAdapter, Usage
from memoryos_ports.llm_embeddings import EmbeddingsAdapter, EmbeddingsRequest
from tests.contract.llm.conftest import Make
from tests.contract.llm.decoders import MakeDecoder, StreamDecoderContract, Streams
from tests.contract.llm.faults import KEY, LlmFaultContract, broken_stream, errors_of_both
from tests.contract.llm.openai_sdk import TOOLS, OpenAiSdkContract, request_of, without_thoughts
from tests.contract.llm.owner_cache import OwnerCacheContract, ToolTurn
from tests.contract.llm.requests import deltas_of, make_request, stream_of, text_of
from tests.contract.llm.suite import LlmContract
from tests.support import openrouter_answers as openrouter
from tests.support.completion import Completion, sse
from tests.support.fake_upstream import FakeUpstream
from tests.support.openai_answers import choice_delta, chunk
from tests.support.replies import Reply

CLAUDE = "anthropic/claude-sonnet-4.5"
THOUGHTS = "Look it up."
DETAILS = [openrouter.signed(THOUGHTS)]
CALLED = Reply(completion=Completion(reasoning=THOUGHTS, tools=TOOLS, finish_reason="tool_calls"))


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """A fake OpenRouter that answers ``Hello!`` unless told otherwise."""
    async with FakeUpstream(openrouter.speak_openrouter) as upstream:
        yield upstream


@pytest.fixture
def make(upstream: FakeUpstream, outgoing: Http) -> Make:
    """Makes adapters with other settings than a minute for each time-out."""

    def make(**settings: Any) -> OpenRouterLlm:
        minute = dict.fromkeys(("first_token_timeout_s", "idle_timeout_s", "total_timeout_s"), 60.0)
        base = LlmProviderSettings(kind="openrouter", base_url=f"{upstream.root_url}/api/v1", api_key=Secret(KEY))
        return OpenRouterLlm("provider", replace(base, **{**minute, **settings}), outgoing)

    return make


class TestOpenRouterLlm(LlmContract):
    """`OpenRouterLlm` on a provider that works."""


class TestOpenRouterLlmOnAFailingProvider(LlmFaultContract):
    """`OpenRouterLlm` on a provider that fails in every way."""


class TestOpenRouterStreamDecoder(StreamDecoderContract):
    """The decoder of OpenRouter's streams."""

    @pytest.fixture
    def new_decoder(self) -> MakeDecoder:
        """Makes decoders."""
        settings = LlmProviderSettings(kind="openrouter", base_url="https://openrouter.ai/api/v1")
        dialect = OpenRouterDialect("provider", settings)
        return lambda: dialect.stream_decoder(make_request())

    @pytest.fixture
    def streams(self) -> Streams:
        """Streams that show all there is, up to the event with the end, and the rest."""
        completions = {
            "text": Completion(pieces=("Hé", "llo 🍵")),
            "thoughts and parallel tools": Completion(reasoning="Hé?", tools=TOOLS, finish_reason="tool_calls"),
            "thoughts": Completion(reasoning="Let me think: é.", pieces=("42",)),
        }
        streams = {}
        for title, completion in completions.items():
            *said, end, usage = map(sse, openrouter.chunks(completion, model=CLAUDE))
            head = openrouter.PROCESSING + openrouter.PROCESSING.join(said)
            streams[title] = (head + end[:-1], end[-1:] + usage + b"data: [DONE]\n\n")
        return streams


class TestTheSdk(OpenAiSdkContract):
    """`openai.AsyncOpenAI` as oracle, which is what OpenRouter's own documentation uses."""

    @pytest.fixture
    async def sdk(self, upstream: FakeUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
        """The SDK on the same provider."""
        async with openai.AsyncOpenAI(base_url=f"{upstream.root_url}/api/v1", api_key=KEY, max_retries=0) as sdk:
            yield sdk

    @pytest.fixture
    def body(self) -> dict[str, Any]:
        """A tool turn with the details of its thoughts."""
        return _conversation(DETAILS)


async def test_an_application_may_name_itself(make: Make, upstream: FakeUpstream) -> None:
    llm = make(headers={"HTTP-Referer": Secret("https://example.org"), "X-Title": Secret("Example")})

    await llm.chat(make_request())

    headers = upstream.requests[0].headers
    assert (headers["http-referer"], headers["x-title"]) == ("https://example.org", "Example")
    assert headers["authorization"] == f"Bearer {KEY}"


async def test_its_own_parameters_pass_as_they_came(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    own: dict[str, Any] = {
        "provider": {"order": ["Anthropic"], "allow_fallbacks": False},
        "models": ["a/b", "c/d"],
        "reasoning": {"effort": "high"},
        "plugins": [{"id": "web"}],
        "transforms": ["middle-out"],
    }

    answer = await llm.chat(make_request(model=CLAUDE, **own))

    assert {name: upstream.requests[0].json[name] for name in own} == own
    assert answer.facts.dropped_params == ()


async def test_ids_of_models_contain_slashes(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    answer = await llm.chat(make_request(model="openai/gpt-4o:online"))

    assert upstream.requests[0].path == "/api/v1/chat/completions"
    assert upstream.requests[0].json["model"] == answer.model == "openai/gpt-4o:online"


async def test_the_key_is_what_is_reached(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    await llm.reach()

    assert [(received.method, received.path) for received in upstream.requests] == [("GET", "/api/v1/key")]


async def test_comments_are_no_events(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    first, end = chunk(choice_delta({"role": "assistant", "content": "Hi"})), chunk(choice_delta({}, "stop"))
    upstream.next(Reply.events(*[openrouter.PROCESSING] * 3, first, openrouter.PROCESSING, end))

    assert text_of(await stream_of(llm, make_request())) == "Hi"


async def test_comments_are_no_first_token(hasty_llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.next(Reply.events(*[openrouter.PROCESSING] * 50).paced(0.06))

    chunks, error = await broken_stream(hasty_llm, make_request())

    assert chunks == []
    assert type(error) is UpstreamTimeout


_CAUSE = {
    "message": "Invalid schema for function 'f'.",
    "type": "invalid_request_error",
    "param": "tools[0].function.parameters",
    "code": "invalid_function_parameters",
}


def _provider_error(raw: Any, *, code: int = 400) -> dict[str, Any]:
    metadata = {"provider_name": "OpenAI", "raw": raw}
    return {"error": {"code": code, "message": "Provider returned error", "metadata": metadata}, "user_id": "user_1"}


@pytest.mark.parametrize("raw", [msgspec.json.encode({"error": _CAUSE}).decode(), {"error": _CAUSE}])
@pytest.mark.parametrize("status", [200, 400])
async def test_a_refused_request_tells_the_real_cause(
    llm: LlmAdapter, upstream: FakeUpstream, raw: Any, status: int
) -> None:
    upstream.always = Reply.json(_provider_error(raw), status=status)

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamRejected)
        assert error.status == 400
        assert (error.message, error.param, error.code) == (_CAUSE["message"], _CAUSE["param"], _CAUSE["code"])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  max_tokens is too\n large ", "max_tokens is too large"),
        (f"no such thing, {KEY}", "no such thing, …"),
        ("<html>Bad Gateway</html>", "Provider returned error"),
        ('{"error": {"mess', "Provider returned error"),
        ({"unknown": "shape"}, "Provider returned error"),
        (None, "Provider returned error"),
        (["text"], "Provider returned error"),
    ],
)
async def test_a_cause_in_plain_words_is_told_without_leaking(
    llm: LlmAdapter, upstream: FakeUpstream, raw: Any, expected: str
) -> None:
    upstream.always = Reply.json(_provider_error(raw), status=400)

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamRejected)
        assert (error.message, error.code) == (expected, "400")


async def test_a_code_that_means_another_status_is_not_taken(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json(_provider_error({"error": {"message": "No.", "code": "weird"}}))

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamRejected)
        assert (error.status, error.message, error.code) == (400, "No.", "400")


async def test_a_cause_is_kept_out_of_other_failures(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json(_provider_error("our account acct_9 is out of capacity", code=502), status=502)

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamUnavailable)
        assert "acct_9" not in str(error)


async def test_flagged_content_is_a_content_filter_error_and_not_about_the_key(
    llm: LlmAdapter, upstream: FakeUpstream
) -> None:
    metadata = {"reasons": ["violence"], "flagged_input": "a private…text", "provider_name": "OpenAI"}
    body = {"error": {"code": 403, "message": "Your input was flagged", "metadata": metadata}}

    for status in (200, 403):
        upstream.always = Reply.json(body, status=status)
        for error in await errors_of_both(llm):
            assert isinstance(error, UpstreamRejected)
            assert (error.status, error.code, error.message) == (400, "content_filter", "Your input was flagged")


async def test_a_prompt_too_long_is_told_by_the_cause(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json(_provider_error("This endpoint's maximum context length is 8192 tokens."), status=400)

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamRejected)
        assert (error.status, error.code) == (400, "context_length_exceeded")


_BY_CODE = [
    pytest.param(402, QuotaExhausted, id="no credits"),
    pytest.param(408, UpstreamTimeout, id="timed out"),
    pytest.param(429, RateLimited, id="too many"),
    pytest.param(502, UpstreamUnavailable, id="provider down"),
    pytest.param(503, UpstreamUnavailable, id="no provider"),
]


@pytest.mark.parametrize(("code", "expected"), _BY_CODE)
@pytest.mark.parametrize("under_200", [False, True])
async def test_an_error_means_the_same_by_its_status_and_under_a_200(
    llm: LlmAdapter, upstream: FakeUpstream, code: int, expected: type[MemoryOSError], under_200: bool
) -> None:
    body = {"error": {"code": code, "message": "No.", "metadata": {}}}
    upstream.always = Reply.json(body, status=200 if under_200 else code)

    for error in await errors_of_both(llm):
        assert type(error) is expected


async def test_a_model_that_is_not_there_is_model_not_found(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json({"error": {"code": 404, "message": "Model a/b does not exist"}}, status=404)

    for error in await errors_of_both(llm):
        assert type(error) is ModelNotFound


@pytest.mark.parametrize(("status", "expected"), [(429, RateLimited), (503, UpstreamUnavailable)])
async def test_how_long_to_wait_is_told(
    llm: LlmAdapter, upstream: FakeUpstream, status: int, expected: type[RateLimited | UpstreamUnavailable]
) -> None:
    upstream.always = Reply.error(status, headers={"retry-after": "17"})

    for error in await errors_of_both(llm):
        assert isinstance(error, expected)
        assert error.retry_after_s == 17


@pytest.mark.parametrize(
    ("code", "expected"), [*_BY_CODE, pytest.param("server_error", UpstreamUnavailable, id="word")]
)
async def test_an_error_inside_a_stream_is_an_error_and_no_end(
    llm: LlmAdapter, upstream: FakeUpstream, code: int | str, expected: type[MemoryOSError]
) -> None:
    first = chunk(choice_delta({"role": "assistant", "content": "Hel"}))
    last = chunk(choice_delta({"content": ""}, "error"), error={"code": code, "message": "Provider disconnected"})
    upstream.next(Reply.events(first, last))

    chunks, error = await broken_stream(llm, make_request())

    assert text_of(chunks) == "Hel"
    assert not any(delta.finish_reason for delta in deltas_of(chunks))
    assert type(error) is expected


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_end_called_error_is_an_error(llm: LlmAdapter, upstream: FakeUpstream, streamed: bool) -> None:
    upstream.next(Reply.text("Half", finish_reason="error"))

    with pytest.raises(UpstreamUnavailable):
        await (stream_of(llm, make_request()) if streamed else llm.chat(make_request()))


async def test_the_cost_is_kept_in_whole_answers_and_streams(llm: LlmAdapter) -> None:
    answer = await llm.chat(make_request())
    chunks = await stream_of(llm, make_request())

    for said in (answer, chunks[-1]):
        assert said.wire is not None
        assert msgspec.json.decode(said.wire)["usage"]["cost"] == openrouter.COST
        assert said.usage == Usage(prompt_tokens=7, completion_tokens=3, cached_tokens=2, reasoning_tokens=1)


async def test_the_native_reason_of_an_end_is_kept(llm: LlmAdapter) -> None:
    (choice,) = (await llm.chat(make_request())).choices
    last = deltas_of(await stream_of(llm, make_request()))[-1]

    for end in (choice, last):
        assert (end.finish_reason, end.native_finish_reason) == ("stop", "end_turn")


async def test_the_id_of_a_generation_is_kept(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = replace(Reply.text("Hi"), headers={"X-Generation-Id": "gen-1"})

    answer = await llm.chat(make_request())
    chunks = await stream_of(llm, make_request())

    assert answer.facts.headers == chunks[0].facts.headers == {"x-generation-id": "gen-1"}


class TestWhatIsKeptForOwners(OwnerCacheContract):
    """Details of thoughts go with their owner."""

    @pytest.fixture
    def turn(self) -> ToolTurn:
        """A call of tools with details of thoughts."""
        asked = ChatRequest(model=CLAUDE, messages=())
        return ToolTurn(asked=asked, called=CALLED, returned=request_of(_conversation()))


class TestDetailsOfThoughts:
    """`reasoning_details` reach the client, and come back with its tool results even when the client lost them."""

    async def test_a_whole_answer_has_them_beside_the_thoughts(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        upstream.next(CALLED)

        answer = await llm.chat(make_request(model=CLAUDE))

        message = msgspec.json.decode(answer.wire or b"")["choices"][0]["message"]
        assert answer.choices[0].message.reasoning == message["reasoning_content"] == message["reasoning"] == THOUGHTS
        assert message["reasoning_details"] == DETAILS

    async def test_a_stream_has_them_in_the_pieces_they_came_in(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        upstream.next(CALLED)

        chunks = await stream_of(llm, make_request(model=CLAUDE))

        assert "".join(delta.reasoning or "" for delta in deltas_of(chunks)) == THOUGHTS
        wires = [msgspec.json.decode(chunk.wire or b"{}") for chunk in chunks if chunk.deltas]
        pieces = [piece for wire in wires for piece in wire["choices"][0]["delta"].get("reasoning_details", [])]
        assert "".join(piece.get("text", "") for piece in pieces) == THOUGHTS
        assert [piece.get("signature") for piece in pieces] == [None, None, DETAILS[0]["signature"]]

    async def test_a_client_that_keeps_them_sends_them_as_they_came(
        self, llm: LlmAdapter, upstream: FakeUpstream
    ) -> None:
        conversation = _conversation(DETAILS)

        await llm.chat(request_of(conversation))

        assert upstream.requests[0].json["messages"] == conversation["messages"]

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_a_client_that_loses_them_has_them_restored(
        self, llm: LlmAdapter, upstream: FakeUpstream, streamed: bool
    ) -> None:
        upstream.next(CALLED)
        asked = ChatRequest(model=CLAUDE, messages=(), owner="ana")
        await (stream_of(llm, asked) if streamed else llm.chat(asked))

        await llm.chat(request_of(_conversation(), owner="ana"))

        assert upstream.requests[1].json["messages"] == _conversation(DETAILS)["messages"]

    async def test_what_the_client_kept_wins_over_what_is_remembered(
        self, llm: LlmAdapter, upstream: FakeUpstream
    ) -> None:
        upstream.next(CALLED)
        await llm.chat(ChatRequest(model=CLAUDE, messages=(), owner="ana"))
        kept = [openrouter.signed("Another thought.")]

        await llm.chat(request_of(_conversation(kept), owner="ana"))

        assert upstream.requests[1].json["messages"] == _conversation(kept)["messages"]

    async def test_nothing_is_made_up_for_what_is_forgotten(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        upstream.next(CALLED)
        await llm.chat(ChatRequest(model=CLAUDE, messages=(), owner="ana"))

        await llm.chat(request_of(_conversation(), owner="bob"))

        assert upstream.requests[1].json["messages"] == _conversation()["messages"]

    async def test_other_providers_fields_are_stripped(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        conversation = _conversation(DETAILS)
        conversation["messages"][2] = {**conversation["messages"][2], "thinking_blocks": [{"signature": "s"}]}

        await llm.chat(request_of(conversation))

        assert upstream.requests[0].json["messages"] == _conversation(DETAILS)["messages"]


async def test_embeddings_are_asked_for_like_openais(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    data = [{"object": "embedding", "index": index, "embedding": [0.5, float(index)]} for index in (0, 1)]
    usage = {"prompt_tokens": 4, "total_tokens": 4, "cost": 0.1}
    upstream.next(Reply.json({"object": "list", "data": data, "model": "m", "usage": usage}))
    assert isinstance(llm, EmbeddingsAdapter)

    answer = await llm.embeddings(EmbeddingsRequest(model="openai/text-embedding-3-small", input=("a", "b")))

    assert answer.vectors == ([0.5, 0.0], [0.5, 1.0])
    assert answer.usage == Usage(prompt_tokens=4, completion_tokens=0)
    assert upstream.requests[0].path == "/api/v1/embeddings"
    assert upstream.requests[0].json["model"] == "openai/text-embedding-3-small"


def _conversation(details: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return a tool turn, with the details of its thoughts or without."""
    body = without_thoughts()
    added = {} if details is None else {"reasoning_details": details}
    messages = [{**message, **added} if message["role"] == "assistant" else message for message in body["messages"]]
    return {**body, "model": CLAUDE, "messages": messages}


async def test_a_model_without_endpoints_is_not_found(llm: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(404, "No endpoints found for x/y.", code=404)

    for error in await errors_of_both(llm):
        assert isinstance(error, ModelNotFound)
