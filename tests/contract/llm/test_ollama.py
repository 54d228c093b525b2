"""The adapter for Ollama keeps the promises of its ports, on a fake server that Ollama's own SDK understands."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import ollama
import pytest

from memoryos_adapters.http import Http, open_http
from memoryos_adapters.llm.ollama.adapter import OllamaDialect, OllamaLlm
from memoryos_adapters.settings import HttpSettings, LlmProviderSettings, Secret
from memoryos_ports.errors import (
    InvalidInput,
    ModelNotFound,
    QuotaExhausted,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.llm import ChatRequest, ContentPart, ImageUrl, LlmAdapter, Message, ToolCall, Usage
from memoryos_ports.llm_embeddings import EmbeddingsAdapter, EmbeddingsRequest
from tests.contract.llm.conftest import Make
from tests.contract.llm.decoders import MakeDecoder, StreamDecoderContract, Streams
from tests.contract.llm.faults import KEY, LlmFaultContract, broken_stream, errors_of_both
from tests.contract.llm.requests import deltas_of, make_request, stream_of, text_of
from tests.contract.llm.suite import LlmContract
from tests.support.completion import Completion
from tests.support.fake_upstream import FakeUpstream
from tests.support.ollama_answers import CREATED, last_line, line, lines, ndjson, speak_ollama
from tests.support.replies import Reply
from tests.unit.adapters.little_servers import answering, http_answer

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TOOLS = (("call_1", "get_weather", '{"city":"Hérault","days":[1,2]}'), ("call_2", "get_time", "{}"))


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """A fake Ollama that answers ``Hello!`` unless told otherwise."""
    async with FakeUpstream(speak_ollama) as upstream:
        yield upstream


@pytest.fixture
def make(upstream: FakeUpstream, outgoing: Http) -> Make:
    """Makes adapters with other settings than a minute for each time-out."""

    def make(*, key: str | None = KEY, **settings: Any) -> OllamaLlm:
        minute = dict.fromkeys(("first_token_timeout_s", "idle_timeout_s", "total_timeout_s"), 60.0)
        base = LlmProviderSettings(
            kind="ollama", base_url=upstream.root_url, api_key=None if key is None else Secret(key)
        )
        return OllamaLlm("provider", msgspec.structs.replace(base, **{**minute, **settings}), outgoing)

    return make


@pytest.fixture
def llm(make: Make) -> OllamaLlm:
    """An adapter that never gives up within a test."""
    adapter = make()
    assert isinstance(adapter, OllamaLlm)
    return adapter


@pytest.fixture
async def sdk(upstream: FakeUpstream) -> AsyncIterator[ollama.AsyncClient]:
    """Ollama's own client on the same server."""
    async with ollama.AsyncClient(host=upstream.root_url) as client:
        yield client


class TestOllamaLlm(LlmContract):
    """`OllamaLlm` on a server that works."""


class TestOllamaLlmOnAFailingProvider(LlmFaultContract):
    """`OllamaLlm` on a server that fails in every way."""

    @pytest.fixture
    def hasty_llm(self, make: Make) -> OllamaLlm:
        """One that gives up soon: whole answers by their total time, streams by the other two."""
        adapter = make(first_token_timeout_s=0.5, idle_timeout_s=0.3, total_timeout_s=1)
        assert isinstance(adapter, OllamaLlm)
        return adapter


class TestOllamaStreamDecoder(StreamDecoderContract):
    """The decoder of Ollama's streams."""

    @pytest.fixture
    def new_decoder(self) -> MakeDecoder:
        """Makes decoders."""
        dialect = OllamaDialect("provider", LlmProviderSettings(kind="ollama", base_url="http://127.0.0.1:11434"))
        return lambda: dialect.stream_decoder(make_request())

    @pytest.fixture
    def streams(self) -> Streams:
        """Streams that show all there is; only the last line break says nothing."""
        completions = {
            "text": Completion(pieces=("Hé", "llo 🍵")),
            "parallel tools": Completion(pieces=("Let me see.",), tools=TOOLS, finish_reason="tool_calls"),
            "reasoning": Completion(reasoning="Let me think: é.", pieces=("42",)),
            "cut short by its bound": Completion(pieces=("a",), finish_reason="length"),
        }
        bodies = {title: b"".join(map(ndjson, lines(completion))) for title, completion in completions.items()}
        bodies["text in the last line"] = ndjson(line({"content": "a"})) + b"\r\n" + ndjson(last_line({"content": "b"}))
        bodies["nothing but an end"] = ndjson(last_line({"content": ""}))
        return {title: (body[:-1], body[-1:]) for title, body in bodies.items()}


async def test_every_request_says_whether_it_streams(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    await llm.chat(make_request())
    await stream_of(llm, make_request())

    assert [received.path for received in upstream.requests] == ["/api/chat", "/api/chat"]
    assert [received.json["stream"] for received in upstream.requests] == [False, True]


async def test_tool_calls_come_whole_with_their_ids_and_finish_as_such(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    upstream.always = Reply.tools(*TOOLS)

    (choice,) = (await llm.chat(make_request())).choices
    chunks = await stream_of(llm, make_request())

    calls = tuple(ToolCall(id=call_id, name=name, arguments=arguments) for call_id, name, arguments in TOOLS)
    pieces = [piece for delta in deltas_of(chunks) for piece in delta.tool_calls]
    assert (choice.message.content, choice.message.tool_calls) == (None, calls)
    assert tuple(ToolCall(id=p.id or "", name=p.name or "", arguments=p.arguments) for p in pieces) == calls
    assert [piece.index for piece in pieces] == [0, 1]
    assert (choice.finish_reason, choice.native_finish_reason) == ("tool_calls", "stop")
    last = deltas_of(chunks)[-1]
    assert (last.finish_reason, last.native_finish_reason) == ("tool_calls", "stop")


async def test_thoughts_are_reasoning_and_never_content(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    upstream.always = Reply.thinking("Six times seven.", "42")

    (choice,) = (await llm.chat(make_request())).choices
    chunks = await stream_of(llm, make_request())

    assert (choice.message.reasoning, choice.message.content) == ("Six times seven.", "42")
    assert "".join(delta.reasoning or "" for delta in deltas_of(chunks)) == "Six times seven."
    assert text_of(chunks) == "42"


async def test_the_head_of_an_answer_is_the_servers(llm: OllamaLlm) -> None:
    answer = await llm.chat(make_request(model="qwen3:8b"))

    assert (answer.model, answer.created) == ("qwen3:8b", CREATED)
    assert answer.usage == Usage(prompt_tokens=7, completion_tokens=3)


async def test_the_key_of_a_hosted_server_is_sent_and_a_local_one_needs_none(
    make: Make, upstream: FakeUpstream
) -> None:
    await make().chat(make_request())
    await make(key=None).chat(make_request())
    await make().reach()

    sent = [(received.path, received.headers.get("authorization")) for received in upstream.requests]
    assert sent == [("/api/chat", f"Bearer {KEY}"), ("/api/chat", None), ("/api/tags", f"Bearer {KEY}")]


async def test_a_prompt_that_cannot_fit_is_refused_before_anything_is_sent(make: Make, upstream: FakeUpstream) -> None:
    llm = make(num_ctx=100)

    for error in await errors_of_both_for(llm, make_request("word " * 200)):
        assert isinstance(error, UpstreamRejected)
        assert (error.status, error.code) == (400, "context_length_exceeded")
    assert upstream.requests == []


async def test_the_context_is_always_asked_for(make: Make, upstream: FakeUpstream) -> None:
    llm = make(num_ctx=2048)

    await llm.chat(make_request())
    await llm.chat(make_request(options={"num_ctx": 512}))

    assert [received.json["options"]["num_ctx"] for received in upstream.requests] == [2048, 512]


async def test_what_has_no_word_here_is_told(llm: OllamaLlm) -> None:
    request = make_request(logit_bias={"1": 2}, verbosity="low", keep_alive="5m", user="ada")

    answer = await llm.chat(request)
    chunks = await stream_of(llm, request)

    assert answer.facts.dropped_params == ("logit_bias", "verbosity")
    assert chunks[0].facts.dropped_params == ("logit_bias", "verbosity")


async def test_an_image_by_url_is_fetched_and_sent_as_bare_base64(upstream: FakeUpstream) -> None:
    image = http_answer(base64.b64decode(PIXEL), media_type="image/png")
    settings = LlmProviderSettings(kind="ollama", base_url=upstream.root_url)
    async with answering(lambda _: image) as proxy, open_http(HttpSettings(proxy=proxy.url)) as http:
        await OllamaLlm("provider", settings, http).chat(_asking_about("http://images.example/a.png"))

    (received,) = upstream.requests
    assert received.json["messages"] == [{"role": "user", "content": "", "images": [PIXEL]}]


async def test_an_image_by_url_that_may_not_be_fetched_is_refused(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    with pytest.raises(InvalidInput) as caught:
        await llm.chat(_asking_about(f"{upstream.root_url}/secret.png"))

    assert (caught.value.param, caught.value.code) == ("messages[0].content[0].image_url.url", "invalid_image_url")
    assert upstream.requests == []


async def test_an_unknown_model_is_model_not_found(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json({"error": 'model "fake-model" not found, try pulling it first'}, status=404)

    for error in await errors_of_both(llm):
        assert isinstance(error, ModelNotFound)
        assert error.identifier == "fake-model"


async def test_an_error_under_a_200_is_an_error(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json({"error": "llama runner process has terminated"})

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamUnavailable)


async def test_an_error_line_before_any_text_means_that_nothing_was_answered(
    llm: OllamaLlm, upstream: FakeUpstream
) -> None:
    upstream.next(_streamed(line({"content": ""}), {"error": "unexpected EOF"}))

    chunks, error = await broken_stream(llm, make_request())

    assert chunks == []
    assert type(error) is UpstreamUnavailable


async def test_an_error_line_ends_a_stream_after_what_came(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    upstream.next(_streamed(line({"content": "Hel"}), {"error": "an error was encountered while running the model"}))

    chunks, error = await broken_stream(llm, make_request())

    assert text_of(chunks) == "Hel"
    assert type(error) is UpstreamUnavailable


async def test_no_more_quota_is_told_apart_from_a_rate_limit(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json({"error": "you (ada) have reached your weekly usage limit"}, status=429)

    for error in await errors_of_both(llm):
        assert type(error) is QuotaExhausted


async def test_a_busy_server_says_how_long_to_wait(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    body = {"error": "server busy, please try again.  maximum pending requests exceeded"}
    upstream.always = Reply.json(body, status=503, headers={"retry-after": "4"})

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamUnavailable)
        assert (error.status, error.retry_after_s) == (503, 4)


async def test_a_redirect_is_not_followed(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    upstream.next(Reply.json({}, status=307, headers={"location": f"{upstream.root_url}/elsewhere"}))

    with pytest.raises(UpstreamProtocolError):
        await llm.chat(make_request())
    assert [received.path for received in upstream.requests] == ["/api/chat"]


async def test_loading_a_model_takes_of_the_time_for_the_first_token_and_not_of_the_idle_time(
    make: Make, upstream: FakeUpstream
) -> None:
    body = b"".join(map(ndjson, lines(Completion(pieces=("Hi",)))))
    loading = Reply(headers={"content-type": "application/x-ndjson"}, pieces=(b"\n", body)).paced(0.5)
    upstream.always = loading

    async with asyncio.timeout(10):
        chunks = await stream_of(make(idle_timeout_s=0.2), make_request())
        _, error = await broken_stream(make(first_token_timeout_s=0.2), make_request())

    assert text_of(chunks) == "Hi"
    assert type(error) is UpstreamTimeout


async def test_embeddings_are_asked_for_in_one_batch(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    assert isinstance(llm, EmbeddingsAdapter)
    answer = await llm.embeddings(EmbeddingsRequest(model="embedder", input=("a", "bcd"), dimensions=2))

    assert answer.vectors == ([1.0, 0.5], [3.0, 0.5])
    assert answer.usage == Usage(prompt_tokens=4, completion_tokens=0)
    (received,) = upstream.requests
    assert (received.path, received.headers["authorization"]) == ("/api/embed", f"Bearer {KEY}")
    assert received.json == {"model": "embedder", "input": ["a", "bcd"], "truncate": False, "dimensions": 2}


async def test_many_texts_are_embedded_in_order_in_more_than_one_call(llm: OllamaLlm, upstream: FakeUpstream) -> None:
    texts = tuple("x" * (place % 7) for place in range(1000))

    answer = await llm.embeddings(EmbeddingsRequest(model="embedder", input=texts))

    assert [vector[0] for vector in answer.vectors] == [len(text) for text in texts]
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == sum(map(len, texts))
    assert [len(received.json["input"]) for received in upstream.requests] == [512, 488]


async def test_the_sdk_understands_the_whole_answers_of_the_fake(
    sdk: ollama.AsyncClient, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.thinking("Hm.", "42"), Reply.tools(*TOOLS))

    text = await sdk.chat("m", [{"role": "user", "content": "?"}])
    calls = await sdk.chat("m", [{"role": "user", "content": "?"}])

    assert (text.message.content, text.message.thinking, text.done, text.done_reason) == ("42", "Hm.", True, "stop")
    assert (text.prompt_eval_count, text.eval_count) == (7, 3)
    assert [(call.function.name, call.function.arguments) for call in calls.message.tool_calls or []] == [
        (name, msgspec.json.decode(arguments)) for _, name, arguments in TOOLS
    ]


async def test_the_sdk_understands_the_streams_of_the_fake(sdk: ollama.AsyncClient, upstream: FakeUpstream) -> None:
    upstream.next(Reply.text("Hel", "lo"), Reply.tools(*TOOLS))

    texts = [part async for part in await sdk.chat("m", [{"role": "user", "content": "?"}], stream=True)]
    calls = [part async for part in await sdk.chat("m", [{"role": "user", "content": "?"}], stream=True)]

    assert [part.message.content for part in texts] == ["Hel", "lo", ""]
    assert [(part.done, part.done_reason) for part in texts] == [(False, None), (False, None), (True, "stop")]
    assert sum(len(part.message.tool_calls or ()) for part in calls) == 2


async def test_the_sdk_understands_the_errors_of_the_fake(sdk: ollama.AsyncClient, upstream: FakeUpstream) -> None:
    upstream.next(Reply.json({"error": "no such model"}, status=404), _streamed(line({"content": "a"}), {"error": "x"}))

    with pytest.raises(ollama.ResponseError) as refused:
        await sdk.chat("m", [{"role": "user", "content": "?"}])
    with pytest.raises(ollama.ResponseError) as broken:
        _ = [part async for part in await sdk.chat("m", [{"role": "user", "content": "?"}], stream=True)]

    assert (refused.value.status_code, refused.value.error) == (404, "no such model")
    assert broken.value.error == "x"


async def test_the_sdk_understands_the_embeddings_and_the_models_of_the_fake(sdk: ollama.AsyncClient) -> None:
    answer = await sdk.embed("m", ["a", "bcd"], dimensions=2)

    assert list(map(list, answer.embeddings)) == [[1.0, 0.5], [3.0, 0.5]]
    assert (await sdk.list()).models == []


async def test_the_sdk_and_the_adapter_say_the_same_thing_in_the_same_words(
    llm: OllamaLlm, sdk: ollama.AsyncClient, upstream: FakeUpstream
) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "f", "description": "Does it.", "parameters": parameters}}
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    await sdk.chat(
        "gpt-oss",
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is this?", "images": [PIXEL]},
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"city": "Sète"}}}]},
            {"role": "tool", "content": "42", "tool_name": "f"},
        ],
        tools=[tool],
        options={"num_ctx": 8192, "temperature": 0.5, "num_predict": 9, "stop": ["."], "seed": 1},
        format=schema,
        think="low",
        keep_alive="5m",
    )

    await llm.chat(
        ChatRequest(
            model="gpt-oss",
            messages=(
                Message(role="developer", content="Be brief."),
                Message(
                    role="user",
                    content=(
                        ContentPart(type="text", text="What is this?"),
                        ContentPart(type="image_url", image_url=ImageUrl(url=f"data:image/png;base64,{PIXEL}")),
                    ),
                ),
                Message(role="assistant", tool_calls=(ToolCall(id="call_1", name="f", arguments='{"city":"Sète"}'),)),
                Message(role="tool", content="42", tool_call_id="call_1"),
            ),
            params=make_request(
                tools=[tool],
                temperature=0.5,
                max_completion_tokens=9,
                stop=".",
                seed=1,
                response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
                reasoning_effort="low",
                keep_alive="5m",
            ).params,
        )
    )

    theirs, ours = (received.json for received in upstream.requests)
    for message in theirs["messages"]:
        message.setdefault("content", "")  # the SDK leaves out what is empty
    called, returned = theirs["messages"][-2:]  # and it does not know the ids of newer servers
    called["tool_calls"][0]["id"] = returned["tool_call_id"] = "call_1"
    assert ours == {**theirs, "truncate": False, "shift": False}


async def errors_of_both_for(llm: LlmAdapter, request: ChatRequest) -> list[Exception]:
    """Return what a whole answer and a stream of one request raise."""
    with pytest.raises(UpstreamRejected) as whole:
        await llm.chat(request)
    _, error = await broken_stream(llm, request)
    return [whole.value, error]


def _asking_about(url: str) -> ChatRequest:
    part = ContentPart(type="image_url", image_url=ImageUrl(url=url))
    return ChatRequest(model="m", messages=(Message(role="user", content=(part,)),))


def _streamed(*documents: dict[str, Any]) -> Reply:
    return Reply(headers={"content-type": "application/x-ndjson"}, pieces=tuple(map(ndjson, documents)))
