"""The adapter for Gemini keeps the promises of its ports, on a fake provider that Google's own SDK understands."""

from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pydantic
import pytest
from google import genai
from google.genai import errors, types
from pydantic.alias_generators import to_camel

from memoryos_adapters.http import Http, open_http
from memoryos_adapters.llm.gemini.adapter import GeminiLlm
from memoryos_adapters.settings import HttpSettings, LlmProviderSettings, Secret
from memoryos_ports.errors import (
    InvalidInput,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    UpstreamAuthError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from memoryos_ports.llm import LlmAdapter, ToolCallDelta, Usage
from memoryos_ports.llm_embeddings import EmbeddingsAdapter, EmbeddingsRequest
from tests.contract.llm.conftest import Make
from tests.contract.llm.decoders import MakeDecoder, StreamDecoderContract, Streams
from tests.contract.llm.faults import KEY, LlmFaultContract, broken_stream, errors_of_both
from tests.contract.llm.owner_cache import OwnerCacheContract, ToolTurn
from tests.contract.llm.requests import deltas_of, make_request, stream_of, text_of
from tests.contract.llm.suite import LlmContract
from tests.support.completion import Completion
from tests.support.fake_upstream import FakeUpstream
from tests.support.gemini_answers import (
    SIGNATURE,
    answer,
    candidate,
    events,
    failure,
    indented,
    retry_info,
    speak_gemini,
    sse,
)
from tests.support.gemini_requests import PIXEL, asking, called, image, make_dialect, returned, said, text
from tests.support.replies import Reply

TOOLS = (("call_1", "get_weather", '{"city":"Hérault","days":[1,2]}'), ("call_2", "get_time", "{}"))
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """A fake Gemini that answers ``Hello!`` unless told otherwise."""
    async with FakeUpstream(speak_gemini) as upstream:
        yield upstream


@pytest.fixture
def make(upstream: FakeUpstream, outgoing: Http) -> Make:
    """Makes adapters with other settings than a minute for each time-out."""

    def make(*, key: str | None = KEY, http: Http = outgoing, **settings: Any) -> GeminiLlm:
        minute = dict.fromkeys(("first_token_timeout_s", "idle_timeout_s", "total_timeout_s"), 60.0)
        base = LlmProviderSettings(
            kind="gemini", base_url=f"{upstream.root_url}/", api_key=None if key is None else Secret(key)
        )
        return GeminiLlm("provider", msgspec.structs.replace(base, **{**minute, **settings}), http)

    return make


@pytest.fixture
def llm(make: Make) -> GeminiLlm:
    """An adapter that never gives up within a test."""
    adapter = make()
    assert isinstance(adapter, GeminiLlm)
    return adapter


@pytest.fixture
async def sdk(upstream: FakeUpstream) -> AsyncIterator[genai.client.AsyncClient]:
    """Google's own client on the same server."""
    client = genai.Client(api_key=KEY, http_options={"base_url": upstream.root_url, "api_version": "v1beta"})
    yield client.aio
    await client.aio.aclose()
    client.close()


class TestGeminiLlm(LlmContract):
    """`GeminiLlm` on a provider that works."""


class TestGeminiLlmOnAFailingProvider(LlmFaultContract):
    """`GeminiLlm` on a provider that fails in every way."""

    @pytest.fixture
    def hasty_llm(self, make: Make) -> LlmAdapter:
        """One that gives up soon: whole answers by their total time, streams by the other two."""
        return make(first_token_timeout_s=0.5, idle_timeout_s=0.3, total_timeout_s=1)


class TestGeminiStreamDecoder(StreamDecoderContract):
    """The decoder of Gemini's streams."""

    @pytest.fixture
    def new_decoder(self) -> MakeDecoder:
        """Makes decoders."""
        dialect = make_dialect()
        return lambda: dialect.stream_decoder(make_request())

    @pytest.fixture
    def streams(self) -> Streams:
        """Streams that show all there is; the last line feed says nothing, since a carriage return stands before."""
        completions = {
            "text": Completion(pieces=("Hé", "llo 🍵")),
            "parallel tools": Completion(pieces=("Let me see.",), tools=TOOLS, finish_reason="tool_calls"),
            "reasoning": Completion(reasoning="Let me think: é.", pieces=("42",)),
            "cut short by its bound": Completion(pieces=("a",), finish_reason="length"),
        }
        bodies = {title: b"".join(map(sse, events(completion))) for title, completion in completions.items()}
        two = sse(answer(candidate({"text": "a"}), candidate({"text": "b"}, index=1)))
        bodies["two candidates"] = two + sse(answer(candidate(end="STOP"), candidate(end="STOP", index=1)))
        bodies["nothing but an end"] = sse(answer(candidate(end="MAX_TOKENS")))
        ended = sse(answer(candidate({"text": "a"}, end="STOP")))
        after = sse({"usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2}})
        return {title: (body[:-1], body[-1:]) for title, body in bodies.items()} | {
            "usage after the end": (ended[:-1], ended[-1:] + after),
            "line feeds alone": (bodies["text"].replace(b"\r\n", b"\n"), b""),
        }


async def test_ge1_the_key_is_in_a_header_and_never_in_the_url(make: Make, upstream: FakeUpstream) -> None:
    await make().reach()
    await make().chat(make_request())
    await make(key=None).chat(make_request())

    with_key, chat, without = upstream.requests
    assert (with_key.method, with_key.path, with_key.query) == ("GET", "/v1beta/models", {"pageSize": "1"})
    assert with_key.headers["x-goog-api-key"] == chat.headers["x-goog-api-key"] == KEY
    assert chat.query == {}
    assert "authorization" not in chat.headers
    assert "x-goog-api-key" not in without.headers


async def test_ge2_a_stream_is_asked_for_as_events_and_ends_with_its_body(
    llm: GeminiLlm, upstream: FakeUpstream
) -> None:
    chunks = await stream_of(llm, make_request())
    await llm.chat(make_request())

    streamed, whole = upstream.requests
    assert (streamed.path, streamed.query) == ("/v1beta/models/fake-model:streamGenerateContent", {"alt": "sse"})
    assert (whole.path, whole.query) == ("/v1beta/models/fake-model:generateContent", {})
    assert deltas_of(chunks)[-1].finish_reason == "stop"


class TestWhatIsKeptForOwners(OwnerCacheContract):
    """Signatures go with their owner."""

    @pytest.fixture
    def turn(self) -> ToolTurn:
        """A signed call of tools."""
        returned_ = asking(called(*TOOLS), returned("call_1", "1"), returned("call_2", "2"))
        return ToolTurn(asked=asking(), called=Reply.tools(*TOOLS), returned=returned_)


async def test_ge5_a_signature_that_the_client_lost_is_put_back(llm: GeminiLlm, upstream: FakeUpstream) -> None:
    upstream.next(Reply.tools(*TOOLS), Reply.tools(("call_3", "get_weather", "{}")))
    whole = await llm.chat(asking(owner="ada"))
    await stream_of(llm, asking(owner="ada"))

    await llm.chat(asking(called(*TOOLS), returned("call_1", "1"), returned("call_2", "2"), owner="ada"))
    await llm.chat(asking(called(("call_3", "get_weather", "{}")), returned("call_3", "3"), owner="ada"))
    await llm.chat(asking(called(("call_3", "get_weather", "{}")), returned("call_3", "3"), owner="eve"))

    extra = whole.choices[0].message.tool_calls[0].extra_content
    assert extra is not None
    assert msgspec.json.decode(extra) == {"google": {"thought_signature": SIGNATURE}}
    signatures = [
        [part.get("thoughtSignature") for part in received.json["contents"][1]["parts"]]
        for received in upstream.requests[2:]
    ]
    assert signatures == [[SIGNATURE, None], [SIGNATURE], ["skip_thought_signature_validator"]]


async def test_ge8_a_blocked_prompt_is_refused_by_the_content_filter(llm: GeminiLlm, upstream: FakeUpstream) -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}}
    upstream.next(Reply.json(blocked), Reply.events(sse(blocked), done=False))

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamRejected)
        assert (error.status, error.code) == (400, "content_filter")
        assert "PROHIBITED_CONTENT" in error.message


async def test_ge10_an_error_event_ends_a_stream_after_what_came(llm: GeminiLlm, upstream: FakeUpstream) -> None:
    event = sse(answer(candidate({"text": "Hel"})))
    for late in (sse(failure(503, "UNAVAILABLE")), sse([failure(503, "UNAVAILABLE")]), indented(failure(503, "U"))):
        upstream.next(Reply.events(event, late, done=False))

        chunks, error = await broken_stream(llm, make_request())

        assert text_of(chunks) == "Hel"
        assert isinstance(error, UpstreamUnavailable)
        assert error.status == 503


async def test_ge10_an_error_before_the_first_token_is_raised_with_nothing_answered(
    llm: GeminiLlm, upstream: FakeUpstream
) -> None:
    nothing = sse(answer(candidate({"text": ""})))
    upstream.always = Reply.events(nothing, sse(failure(429, "RESOURCE_EXHAUSTED", "", retry_info("7s"))), done=False)

    chunks, error = await broken_stream(llm, make_request())

    assert chunks == []
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 7


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (400, failure(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), UpstreamAuthError),
        (403, failure(403, "PERMISSION_DENIED"), UpstreamAuthError),
        (404, failure(404, "NOT_FOUND", "models/x is not found for API version v1beta."), ModelNotFound),
        (429, [failure(429, "RESOURCE_EXHAUSTED", "", retry_info("36s"))], RateLimited),
        (429, failure(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."), QuotaExhausted),
        (503, failure(503, "UNAVAILABLE", "The model is overloaded."), UpstreamUnavailable),
    ],
)
async def test_ge10_a_refusal_of_googles_is_the_error_that_it_means(
    llm: GeminiLlm, upstream: FakeUpstream, status: int, document: Any, expected: type[Exception]
) -> None:
    upstream.always = Reply.json(document, status=status)

    for error in await errors_of_both(llm):
        assert type(error) is expected


async def test_ge10_a_refused_key_is_not_reached_although_its_status_is_400(
    llm: GeminiLlm, upstream: FakeUpstream
) -> None:
    upstream.always = Reply.json(failure(400, "INVALID_ARGUMENT", "API key not valid."), status=400)

    with pytest.raises(UpstreamAuthError):
        await llm.reach()


async def test_ge13_images_are_passed_on_where_the_provider_gets_at_them(
    llm: GeminiLlm, upstream: FakeUpstream
) -> None:
    urls = (
        "https://images.example/cat.png?size=2",
        "gs://bucket/cat.jpg",
        "https://generativelanguage.googleapis.com/v1beta/files/abc",
    )

    await llm.chat(asking(said("user", image(), *map(image, urls))))

    assert upstream.requests[0].json["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
        {"fileData": {"fileUri": urls[0], "mimeType": "image/png"}},
        {"fileData": {"fileUri": urls[1], "mimeType": "image/jpeg"}},
        {"fileData": {"fileUri": urls[2]}},
    ]


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("gemini-3-flash", "http://127.0.0.1/cat.png"),
        ("gemini-3-flash", "https://169.254.169.254/latest"),
        ("gemini-2.0-flash", "https://10.0.0.1/cat.png"),
        ("gemini-3-flash", "file:///etc/passwd"),
    ],
)
async def test_ge13_what_the_gateway_has_to_fetch_is_guarded(
    llm: GeminiLlm, upstream: FakeUpstream, model: str, url: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await llm.chat(asking(said("user", text("What is it?"), image(url)), model=model))

    assert caught.value.param == "messages[0].content[1].image_url.url"
    assert upstream.requests == []


async def test_ge13_an_image_that_the_provider_cannot_fetch_is_put_into_the_request(
    make: Make, upstream: FakeUpstream
) -> None:
    upstream.next(Reply(headers={"content-type": "image/png"}, pieces=(b"an image",)))
    message = said("user", image("http://images.example/cat"), image("gs://bucket/cat.png"))

    async with open_http(HttpSettings(proxy=upstream.root_url)) as http:  # it stands for the internet
        await make(http=http).chat(asking(message))

    fetched, chat = upstream.requests
    assert fetched.headers["host"] == "images.example"
    assert chat.json["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "YW4gaW1hZ2U="}},
        {"fileData": {"fileUri": "gs://bucket/cat.png", "mimeType": "image/png"}},
    ]


async def test_ge15_embeddings_keep_the_order_over_many_batches(llm: GeminiLlm, upstream: FakeUpstream) -> None:
    texts = tuple("x" * length for length in range(1, 151))

    answered = await llm.embeddings(EmbeddingsRequest(model="models/gemini-embedding-001", input=texts, dimensions=2))

    assert isinstance(llm, EmbeddingsAdapter)
    assert [vector[0] for vector in answered.vectors] == list(range(1, 151))
    assert answered.usage == Usage(prompt_tokens=1500, completion_tokens=0)
    assert [len(received.json["requests"]) for received in upstream.requests] == [100, 50]
    assert {received.path for received in upstream.requests} == {
        "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    }


async def test_a_model_name_changes_neither_path_nor_host(llm: GeminiLlm, upstream: FakeUpstream) -> None:
    for name in ("../../evil", "x?key=1#", "@evil.example/", "x:countTokens", "models/../../y"):
        await llm.chat(make_request(model=name))

    for received in upstream.requests:
        assert received.path.startswith("/v1beta/models/")
        assert received.path.endswith(":generateContent")
        assert received.query == {}


async def test_a_whole_answer_to_a_stream_is_not_swallowed(llm: GeminiLlm, upstream: FakeUpstream) -> None:
    upstream.next(Reply.json([answer(candidate({"text": "hi"}, end="STOP"))]))

    chunks, error = await broken_stream(llm, make_request())

    assert chunks == []
    assert type(error) is UpstreamProtocolError


async def test_dropped_parameters_are_named(llm: GeminiLlm) -> None:
    request = make_request(logit_bias={"1": 2}, user="ada", parallel_tool_calls=False, temperature=1)

    whole = await llm.chat(request)
    chunks = await stream_of(llm, request)

    assert whole.facts.dropped_params == chunks[0].facts.dropped_params == ("logit_bias", "parallel_tool_calls")


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
class TestTheFakeIsHonest:
    """Google's own SDK understands what the fake says, and says what our adapter says."""

    async def test_it_reads_a_whole_answer_as_we_do(
        self, llm: GeminiLlm, upstream: FakeUpstream, sdk: genai.client.AsyncClient
    ) -> None:
        completion = Completion(reasoning="Hm.", pieces=("Let me ",), tools=TOOLS)
        upstream.always = Reply(completion=completion)

        theirs = await sdk.models.generate_content(model="fake-model", contents="hi")
        (choice,) = (await llm.chat(make_request("hi"))).choices

        assert theirs.candidates
        assert theirs.candidates[0].finish_reason == types.FinishReason.STOP
        content = theirs.candidates[0].content
        assert content is not None
        assert content.parts is not None
        thought, said_aloud, *calls = content.parts
        assert (thought.text, thought.thought) == (choice.message.reasoning, True)
        assert said_aloud.text == choice.message.content
        assert [(part.function_call.id, part.function_call.name) for part in calls if part.function_call] == [
            (call.id, call.name) for call in choice.message.tool_calls
        ]
        assert [part.function_call.args for part in calls if part.function_call] == [
            msgspec.json.decode(call.arguments) for call in choice.message.tool_calls
        ]
        assert calls[0].thought_signature == b"signature of a thought"
        assert choice.finish_reason == "tool_calls"

    async def test_it_reads_a_stream_as_we_do(
        self, llm: GeminiLlm, upstream: FakeUpstream, sdk: genai.client.AsyncClient
    ) -> None:
        upstream.always = Reply(completion=Completion(pieces=("Hé", "llo 🍵"), tools=TOOLS))

        theirs = [event async for event in await sdk.models.generate_content_stream(model="m", contents="hi")]
        ours = await stream_of(llm, make_request("hi"))

        texts = [part.text for event in theirs for part in event.parts or () if part.text]
        calls = [each for event in theirs for each in event.function_calls or ()]
        deltas: list[ToolCallDelta] = [piece for delta in deltas_of(ours) for piece in delta.tool_calls]
        assert "".join(texts) == text_of(ours)
        assert [(each.id, each.name, each.args) for each in calls] == [
            (piece.id, piece.name, msgspec.json.decode(piece.arguments)) for piece in deltas
        ]
        counts, usage = theirs[-1].usage_metadata, ours[-1].usage
        assert counts is not None
        assert usage is not None
        assert counts.total_token_count == usage.total_tokens
        assert (counts.cached_content_token_count, counts.thoughts_token_count) == (
            usage.cached_tokens,
            usage.reasoning_tokens,
        )

    async def test_it_understands_our_refusals(self, upstream: FakeUpstream, sdk: genai.client.AsyncClient) -> None:
        upstream.next(Reply.json(failure(404, "NOT_FOUND", "models/x is not found"), status=404))
        upstream.next(Reply.events(sse(answer(candidate({"text": "a"}))), sse(failure(503, "UNAVAILABLE")), done=False))

        with pytest.raises(errors.ClientError) as refused:
            await sdk.models.generate_content(model="x", contents="hi")
        with pytest.raises(errors.ServerError) as late:
            async for _ in await sdk.models.generate_content_stream(model="x", contents="hi"):
                pass

        assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")
        assert (late.value.code, late.value.status) == (503, "UNAVAILABLE")

    async def test_it_sends_what_we_send(
        self, llm: GeminiLlm, upstream: FakeUpstream, sdk: genai.client.AsyncClient
    ) -> None:
        await sdk.models.generate_content(model="gemini-3-flash", contents=_THEIR_CONTENTS, config=_THEIR_CONFIG)
        await llm.chat(
            asking(
                said("system", "Be brief."),
                said("user", "What is it?", image()),
                called(TOOLS[0], signatures=(SIGNATURE,)),
                returned("call_1", '{"degrees": 21}'),
                tools=[{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}],
                tool_choice={"type": "function", "function": {"name": "get_weather"}},
                response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
                temperature=0.5,
                top_p=0.9,
                n=2,
                max_tokens=100,
                stop="END",
                seed=7,
                reasoning_effort="low",
                safety_settings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}],
            )
        )

        theirs, ours = upstream.requests
        assert (theirs.path, theirs.query) == (ours.path, ours.query)
        assert theirs.headers["x-goog-api-key"] == ours.headers["x-goog-api-key"]
        assert _TheirRequest.model_validate_json(ours.body) == _TheirRequest.model_validate_json(theirs.body)

    async def test_it_embeds_as_we_do(
        self, llm: GeminiLlm, upstream: FakeUpstream, sdk: genai.client.AsyncClient
    ) -> None:
        config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=2)
        contents: list[types.PartUnionDict] = ["a", "bc"]
        theirs = await sdk.models.embed_content(model="gemini-embedding-001", contents=contents, config=config)
        ours = await llm.embeddings(
            EmbeddingsRequest(
                model="gemini-embedding-001",
                input=("a", "bc"),
                dimensions=2,
                params={"task_type": msgspec.Raw(b'"RETRIEVAL_QUERY"')},
            )
        )

        assert [each.values for each in theirs.embeddings or ()] == list(ours.vectors)
        assert [received.path for received in upstream.requests] == [upstream.requests[0].path] * 2
        assert upstream.requests[0].json == upstream.requests[1].json


_THEIR_CONTENTS = [
    types.Content(
        role="user",
        parts=[
            types.Part(text="What is it?"),
            types.Part(inline_data=types.Blob(mime_type="image/png", data=b64decode(PIXEL))),
        ],
    ),
    types.Content(
        role="model",
        parts=[
            types.Part(
                function_call=types.FunctionCall(
                    id="call_1", name="get_weather", args={"city": "Hérault", "days": [1, 2]}
                ),
                thought_signature=b"signature of a thought",
            )
        ],
    ),
    types.Content(
        role="user",
        parts=[
            types.Part(
                function_response=types.FunctionResponse(id="call_1", name="get_weather", response={"degrees": 21})
            )
        ],
    ),
]
_THEIR_CONFIG = types.GenerateContentConfig(
    system_instruction="Be brief.",
    tools=[
        types.Tool(function_declarations=[types.FunctionDeclaration(name="get_weather", parameters_json_schema=SCHEMA)])
    ],
    tool_config=types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(
            mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["get_weather"]
        )
    ),
    response_mime_type="application/json",
    response_json_schema=SCHEMA,
    temperature=0.5,
    top_p=0.9,
    candidate_count=2,
    max_output_tokens=100,
    stop_sequences=["END"],
    seed=7,
    thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.LOW),
    safety_settings=[
        types.SafetySetting(
            category=types.HarmCategory.HARM_CATEGORY_HARASSMENT, threshold=types.HarmBlockThreshold.BLOCK_ONLY_HIGH
        )
    ],
)


class _TheirRequest(pydantic.BaseModel, extra="forbid", alias_generator=to_camel):
    """A request as Google's own types read it; they know either spelling, and refuse what they do not know."""

    contents: list[types.Content]
    system_instruction: types.Content | None = None
    tools: list[types.Tool] = []
    tool_config: types.ToolConfig | None = None
    generation_config: types.GenerationConfig | None = None
    safety_settings: list[types.SafetySetting] = []
