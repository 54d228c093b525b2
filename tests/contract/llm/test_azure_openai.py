"""The adapter for Azure OpenAI keeps the promises of its ports, in both forms of the API (AZ1-AZ7)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from msgspec.structs import replace

from memoryos_adapters.http import Http
from memoryos_adapters.llm.azure_openai.adapter import AzureOpenAiDialect, AzureOpenAiLlm
from memoryos_adapters.settings import EntraSettings, LlmProviderSettings, Secret
from memoryos_ports.errors import (
    ModelNotFound,
    RateLimited,
    UpstreamAuthError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsAdapter, EmbeddingsRequest
from tests.contract.llm.conftest import Make
from tests.contract.llm.decoders import MakeDecoder, StreamDecoderContract, Streams
from tests.contract.llm.faults import KEY, LlmFaultContract, broken_stream, errors_of_both
from tests.contract.llm.openai_sdk import BODY, TOOLS, OpenAiSdkContract, request_of, without_thoughts
from tests.contract.llm.requests import deltas_of, make_request, stream_of, text_of
from tests.contract.llm.suite import LlmContract
from tests.support import azure_openai_answers as azure
from tests.support.completion import Completion, sse
from tests.support.fake_upstream import FakeUpstream
from tests.support.openai_answers import choice_delta, chunk
from tests.support.replies import Reply

VERSION = "2024-10-21"
OLD_VERSION = "2024-06-01"
TENANT = "contoso"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """A fake resource of Azure that answers ``Hello!`` unless told otherwise."""
    async with FakeUpstream(azure.speak_azure) as upstream:
        yield upstream


@pytest.fixture
def make(upstream: FakeUpstream, outgoing: Http) -> Make:
    """Makes adapters of the form with deployments in the path, and with other settings than a minute each."""

    def make(**settings: Any) -> AzureOpenAiLlm:
        minute = dict.fromkeys(("first_token_timeout_s", "idle_timeout_s", "total_timeout_s"), 60.0)
        base = LlmProviderSettings(
            kind="azure_openai", base_url=upstream.root_url, api_version=VERSION, api_key=Secret(KEY)
        )
        return AzureOpenAiLlm("provider", replace(base, **{**minute, **settings}), outgoing)

    return make


@pytest.fixture
def llm(make: Make) -> AzureOpenAiLlm:
    """An adapter that never gives up within a test."""
    return _azure(make())


@pytest.fixture
def hasty_llm(make: Make) -> AzureOpenAiLlm:
    """One that gives up soon: whole answers by their total time, streams by the other two."""
    return _azure(make(first_token_timeout_s=0.5, idle_timeout_s=0.3, total_timeout_s=1))


@pytest.fixture
def v1_llm(make: Make, upstream: FakeUpstream) -> AzureOpenAiLlm:
    """An adapter of the form with the deployment in the body."""
    return _azure(make(base_url=f"{upstream.root_url}/openai/v1", api_version=None))


class TestAzureOpenAiLlm(LlmContract):
    """`AzureOpenAiLlm` on a provider that works."""


class TestAzureOpenAiLlmOfTheV1Form(LlmContract):
    """The same with the other form of the API."""

    @pytest.fixture
    def llm(self, v1_llm: AzureOpenAiLlm) -> AzureOpenAiLlm:
        """The adapter."""
        return v1_llm


class TestAzureOpenAiLlmOnAFailingProvider(LlmFaultContract):
    """`AzureOpenAiLlm` on a provider that fails in every way."""


class TestAzureStreamDecoder(StreamDecoderContract):
    """The decoder of Azure's streams."""

    @pytest.fixture
    def new_decoder(self, outgoing: Http) -> MakeDecoder:
        """Makes decoders."""
        settings = LlmProviderSettings(kind="azure_openai", base_url="https://resource.openai.azure.com")
        dialect = AzureOpenAiDialect("provider", settings, outgoing)
        return lambda: dialect.stream_decoder(make_request())

    @pytest.fixture
    def streams(self) -> Streams:
        """Streams that show all there is, up to the event with the end, and the rest."""
        completions = {
            "text": Completion(pieces=("Hé", "llo 🍵")),
            "parallel tools": Completion(tools=TOOLS, finish_reason="tool_calls"),
            "a filtered answer": Completion(pieces=("a",), finish_reason="content_filter"),
        }
        streams = {}
        for title, completion in completions.items():
            *head, usage = azure.chunks(completion, model="gpt-4o", include_usage=True)
            *said, end = map(sse, head)
            streams[title] = (b"".join(said) + end[:-1], end[-1:] + sse(usage) + b"data: [DONE]\n\n")
        return streams


class TestTheSdkOfTheFirstForm(OpenAiSdkContract):
    """`openai.AsyncAzureOpenAI` as oracle."""

    @pytest.fixture
    async def sdk(self, upstream: FakeUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
        """The SDK on the same resource."""
        async with openai.AsyncAzureOpenAI(
            azure_endpoint=upstream.root_url, api_version=VERSION, api_key=KEY, max_retries=0
        ) as sdk:
            yield sdk

    @pytest.fixture
    def body(self) -> dict[str, Any]:
        """Thoughts are not for OpenAI's models."""
        return without_thoughts()


class TestTheSdkOfTheV1Form(OpenAiSdkContract):
    """`openai.AsyncOpenAI` as oracle: it sends the key as a bearer, which Azure takes as well."""

    @pytest.fixture
    async def sdk(self, upstream: FakeUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
        """The SDK on the same resource."""
        base_url = f"{upstream.root_url}/openai/v1"
        async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0) as sdk:
            yield sdk

    @pytest.fixture
    def llm(self, v1_llm: AzureOpenAiLlm) -> AzureOpenAiLlm:
        """The adapter."""
        return v1_llm

    @pytest.fixture
    def body(self) -> dict[str, Any]:
        """Thoughts are not for OpenAI's models."""
        return without_thoughts()


@pytest.mark.parametrize(
    ("path", "version", "expected_path", "expected_query"),
    [
        ("", VERSION, "/openai/deployments/my%20gpt%2F4/chat/completions", {"api-version": VERSION}),
        ("/", VERSION, "/openai/deployments/my%20gpt%2F4/chat/completions", {"api-version": VERSION}),
        ("/openai/v1", None, "/openai/v1/chat/completions", {}),
        ("/openai/v1/", "preview", "/openai/v1/chat/completions", {"api-version": "preview"}),
        ("", None, "/openai/v1/chat/completions", {}),
    ],
)
def test_the_deployment_is_in_the_path_or_in_the_body(
    outgoing: Http, path: str, version: str | None, expected_path: str, expected_query: dict[str, str]
) -> None:
    settings = LlmProviderSettings(
        kind="azure_openai", base_url=f"https://resource.openai.azure.com{path}", api_version=version
    )
    dialect = AzureOpenAiDialect("provider", settings, outgoing)

    url = dialect.encode(make_request(model="my gpt/4"), stream=False).url

    assert (url.host, url.raw_path, dict(url.query)) == ("resource.openai.azure.com", expected_path, expected_query)


async def test_both_forms_reach_their_list_of_models(
    llm: AzureOpenAiLlm, v1_llm: AzureOpenAiLlm, upstream: FakeUpstream
) -> None:
    upstream.always = Reply.json({"object": "list", "data": []})

    await llm.reach()
    await v1_llm.reach()

    asked = [(received.method, received.path, received.query) for received in upstream.requests]
    assert asked == [("GET", "/openai/models", {"api-version": VERSION}), ("GET", "/openai/v1/models", {})]


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_deployment_that_would_be_another_path_is_not_found(
    llm: AzureOpenAiLlm, upstream: FakeUpstream, name: str
) -> None:
    with pytest.raises(ModelNotFound):
        await llm.chat(make_request(model=name))
    assert upstream.requests == []


async def test_the_key_goes_into_its_own_header(llm: AzureOpenAiLlm, upstream: FakeUpstream) -> None:
    await llm.chat(make_request())

    assert upstream.requests[0].headers["api-key"] == KEY
    assert "authorization" not in upstream.requests[0].headers


class TestEntra:
    """An application of Entra in the place of a key (AZ2)."""

    @pytest.fixture
    async def entra(self) -> AsyncIterator[FakeUpstream]:
        """A fake Entra that grants ``token`` for an hour."""
        async with FakeUpstream() as entra:
            entra.always = _granted("token")
            yield entra

    @pytest.fixture
    def llm(self, make: Make, entra: FakeUpstream) -> AzureOpenAiLlm:
        """An adapter without a key."""
        application = EntraSettings(
            tenant_id=TENANT, client_id="app", client_secret=Secret("s3cret"), authority=entra.root_url
        )
        return _azure(make(api_key=None, entra=application))

    async def test_one_token_is_sent_with_all_requests(
        self, llm: AzureOpenAiLlm, upstream: FakeUpstream, entra: FakeUpstream
    ) -> None:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(llm.chat(make_request()))
        await stream_of(llm, make_request())
        await llm.reach()

        assert {received.headers["authorization"] for received in upstream.requests} == {"Bearer token"}
        assert not any("api-key" in received.headers for received in upstream.requests)
        assert [received.path for received in entra.requests] == [f"/{TENANT}/oauth2/v2.0/token"]

    async def test_a_token_that_azure_refuses_is_fetched_again(
        self, llm: AzureOpenAiLlm, upstream: FakeUpstream, entra: FakeUpstream
    ) -> None:
        entra.next(_granted("old"), _granted("new"))
        upstream.next(Reply.error(401, "Access token is missing, invalid or expired."))

        with pytest.raises(UpstreamAuthError):
            await llm.chat(make_request())
        await llm.chat(make_request())

        assert [received.headers["authorization"] for received in upstream.requests] == ["Bearer old", "Bearer new"]

    async def test_no_token_is_an_error_before_azure_is_asked(
        self, llm: AzureOpenAiLlm, upstream: FakeUpstream, entra: FakeUpstream
    ) -> None:
        entra.always = Reply.json({"error": "invalid_client"}, status=401)

        for error in await errors_of_both(llm):
            assert type(error) is UpstreamAuthError
        assert upstream.requests == []


async def test_filter_results_are_neither_a_token_nor_a_commitment(llm: AzureOpenAiLlm, upstream: FakeUpstream) -> None:
    failure = {"error": {"message": "The server is overloaded.", "code": "server_error"}}
    upstream.next(Reply.events(azure.prompt_results(), azure.annotation(), failure))

    chunks, error = await broken_stream(llm, make_request())

    assert chunks == []
    assert isinstance(error, UpstreamUnavailable)


async def test_filter_results_do_not_end_the_wait_for_the_first_token(
    hasty_llm: AzureOpenAiLlm, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.events(azure.prompt_results(), *[azure.annotation()] * 50).paced(0.06))

    chunks, error = await broken_stream(hasty_llm, make_request())

    assert chunks == []
    assert type(error) is UpstreamTimeout


async def test_filter_results_beside_a_text_are_kept_for_the_client(
    llm: AzureOpenAiLlm, upstream: FakeUpstream
) -> None:
    text = {**choice_delta({"role": "assistant", "content": "Hi"}), "content_filter_results": azure.SAFE}
    upstream.next(Reply.events(azure.prompt_results(), chunk(text), chunk(choice_delta({}, "stop"))))

    chunks = await stream_of(llm, make_request())

    assert text_of(chunks) == "Hi"
    assert b'"severity":"safe"' in (chunks[0].wire or b"")


@pytest.mark.parametrize("inner", ["innererror", "inner_error"])
@pytest.mark.parametrize("code", ["content_filter", "400", None])
async def test_a_filtered_prompt_is_a_content_filter_error(
    llm: AzureOpenAiLlm, upstream: FakeUpstream, inner: str, code: str | None
) -> None:
    body = azure.filtered_prompt(inner=inner)
    body["error"]["code"] = code
    upstream.always = Reply.json(body, status=400)

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamRejected)
        assert (error.status, error.code, error.param) == (400, "content_filter", "prompt")
        assert "content management policy" in error.message


async def test_a_filtered_prompt_inside_a_stream_is_the_same_error(llm: AzureOpenAiLlm, upstream: FakeUpstream) -> None:
    body = azure.filtered_prompt()
    body["error"]["code"] = None
    upstream.next(Reply.events(azure.prompt_results(), body))

    chunks, error = await broken_stream(llm, make_request())

    assert chunks == []
    assert isinstance(error, UpstreamRejected)
    assert (error.status, error.code) == (400, "content_filter")


async def test_a_filtered_answer_ends_with_content_filter(llm: AzureOpenAiLlm, upstream: FakeUpstream) -> None:
    upstream.always = Reply.text("Well,", finish_reason="content_filter")

    answer = await llm.chat(make_request())
    chunks = await stream_of(llm, make_request())

    assert answer.choices[0].finish_reason == deltas_of(chunks)[-1].finish_reason == "content_filter"
    assert b'"content_filter_results"' in (answer.wire or b"")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"x-ms-retry-after-ms": "2500"}, 2.5),
    ],
)
async def test_how_long_to_wait_is_told_in_any_of_three_headers(
    llm: AzureOpenAiLlm, upstream: FakeUpstream, headers: dict[str, str], expected: float
) -> None:
    upstream.always = Reply.error(429, headers=headers)

    for error in await errors_of_both(llm):
        assert isinstance(error, RateLimited)
        assert error.retry_after_s == expected


async def test_azures_ids_are_kept(llm: AzureOpenAiLlm, upstream: FakeUpstream) -> None:
    ids = {"apim-request-id": "a-1", "x-ms-region": "Sweden Central"}
    reply = Reply.text("Hi")
    upstream.always = replace(reply, headers={**ids, "x-request-id": "r-1", "azureml-model-session": "d-1"})

    answer = await llm.chat(make_request())
    chunks = await stream_of(llm, make_request())

    assert answer.facts.headers == chunks[0].facts.headers == {**ids, "x-memoryos-upstream-request-id": "r-1"}


async def test_the_model_of_an_answer_is_the_one_behind_the_deployment(
    llm: AzureOpenAiLlm, v1_llm: AzureOpenAiLlm
) -> None:
    for adapter in (llm, v1_llm):
        answer = await adapter.chat(make_request(model="mine"))
        chunks = await stream_of(adapter, make_request(model="mine"))
        assert answer.model == "base-of-mine"
        assert {chunk.model for chunk in chunks} == {"base-of-mine"}


async def test_a_missing_deployment_is_model_not_found(llm: AzureOpenAiLlm, upstream: FakeUpstream) -> None:
    refusal = {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}
    upstream.always = Reply.json({"error": refusal}, status=404)

    for error in await errors_of_both(llm):
        assert isinstance(error, ModelNotFound)
        assert error.identifier == "fake-model"


async def test_an_unknown_api_version_is_no_missing_model(llm: AzureOpenAiLlm, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json({"error": {"code": "404", "message": "Resource not found"}}, status=404)

    for error in await errors_of_both(llm):
        assert isinstance(error, UpstreamRejected)
        assert (error.status, error.message) == (404, "Resource not found")


async def test_an_old_version_gets_only_what_it_takes(make: Make, upstream: FakeUpstream) -> None:
    llm = make(api_version=OLD_VERSION)
    asked: dict[str, Any] = {
        "max_completion_tokens": 10,
        "parallel_tool_calls": False,
        "stream_options": {"include_usage": True},
        "seed": 1,
    }

    answer = await llm.chat(make_request(**asked))
    chunks = await stream_of(llm, make_request(**asked))

    for received in upstream.requests:
        assert {*received.json} == {"model", "messages", "stream", "max_tokens", "seed"}
        assert received.json["max_tokens"] == 10
    assert answer.facts.dropped_params == chunks[0].facts.dropped_params == ("parallel_tool_calls", "stream_options")
    assert chunks[-1].usage is None


async def test_nothing_is_named_that_nobody_asked_for(make: Make) -> None:
    chunks = await stream_of(make(api_version=OLD_VERSION), make_request())

    assert chunks[0].facts.dropped_params == ()


async def test_openais_rules_hold_for_a_deployment_called_like_its_model(
    llm: AzureOpenAiLlm, upstream: FakeUpstream
) -> None:
    await llm.chat(request_of({**BODY, "model": "gpt-5"}))

    sent = upstream.requests[0].json
    assert [message["role"] for message in sent["messages"]] == ["developer", "user", "assistant", "tool", "tool"]
    assert "reasoning_content" not in sent["messages"][2]
    assert sent["max_completion_tokens"] == BODY["max_tokens"]


async def test_embeddings_are_asked_of_the_deployment(
    llm: AzureOpenAiLlm, v1_llm: AzureOpenAiLlm, upstream: FakeUpstream
) -> None:
    data = [{"object": "embedding", "index": index, "embedding": [0.5, float(index)]} for index in (0, 1)]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    upstream.always = Reply.json({"object": "list", "data": data, "model": "base", "usage": usage})

    for adapter in (llm, v1_llm):
        assert isinstance(adapter, EmbeddingsAdapter)
        answer = await adapter.embeddings(EmbeddingsRequest(model="small", input=("a", "b")))
        assert answer.vectors == ([0.5, 0.0], [0.5, 1.0])
        assert answer.usage == Usage(prompt_tokens=4, completion_tokens=0)

    asked = [(received.path, received.query) for received in upstream.requests]
    assert asked == [
        ("/openai/deployments/small/embeddings", {"api-version": VERSION}),
        ("/openai/v1/embeddings", {}),
    ]


def _azure(adapter: object) -> AzureOpenAiLlm:
    assert isinstance(adapter, AzureOpenAiLlm)
    return adapter


def _granted(token: str) -> Reply:
    return Reply.json({"token_type": "Bearer", "expires_in": 3600, "access_token": token})
