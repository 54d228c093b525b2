"""`langchain-openai` against every provider: chats, streams, tools, shaped answers, token counts, batches, embeddings.

What it does that others do not: it asks for usage in streams only when told to (`stream_usage`), since the address is
not OpenAI's; its embeddings send tokens of tiktoken unless told not to (`check_embedding_ctx_length`), and floats
rather than base64; from one message to the next it forgets fields that it does not know, such as a provider's thoughts.
"""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import openai
import pytest
import pytest_asyncio
from openai import DefaultAsyncHttpxClient, DefaultHttpxClient
from pydantic import BaseModel

from tests.service.sdk.conftest import HASTE, KEY
from tests.service.sdk.providers import EMBEDDING_MODEL, Provider
from tests.service.sdk.test_parse import PARIS, PIECES, City, asks_for_city
from tests.service.sdk.test_tools import CALLS, RESULTS
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway
from tests.support.replies import Reply

if TYPE_CHECKING:  # it takes seconds to load: only for those who run these tests
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

pytestmark = pytest.mark.asyncio(loop_scope="package")

MakeChat: TypeAlias = "Callable[..., ChatOpenAI]"
MakeEmbeddings: TypeAlias = "Callable[..., OpenAIEmbeddings]"


class GetWeather(BaseModel):
    """Tells the weather."""

    city: str
    days: list[int]


class GetTime(BaseModel):
    """Tells the time."""


ASKED = [("GetWeather", {"city": "Paris", "days": [1, 2]}), ("GetTime", {})]
SAID_CALLS = tuple((call_id, name, args) for (call_id, _, args), (name, _) in zip(CALLS, ASKED, strict=True))
COUNTED = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def connection(gateway: RunningGateway) -> AsyncIterator[dict[str, Any]]:
    """How to reach the gateway, over connections that are closed at the end."""
    async with DefaultAsyncHttpxClient() as http_async_client:
        with DefaultHttpxClient() as http_client:
            yield {
                "base_url": gateway.base_url,
                "api_key": KEY,
                "max_retries": 0,
                "http_async_client": http_async_client,
                "http_client": http_client,
            }


@pytest.fixture
def make_chat(connection: dict[str, Any], upstreams: dict[str, FakeUpstream]) -> MakeChat:
    """Makes a chat model by its name and LangChain's options."""
    from langchain_openai import ChatOpenAI

    return partial(ChatOpenAI, **connection)


@pytest.fixture
def make_embeddings(connection: dict[str, Any], upstreams: dict[str, FakeUpstream]) -> MakeEmbeddings:
    """Makes an embeddings model by its name and LangChain's options."""
    from langchain_openai import OpenAIEmbeddings

    return partial(OpenAIEmbeddings, **connection)


@pytest.fixture
def offline_tokens() -> Iterator[None]:
    """Let tiktoken find OpenAI's tokens in the copy that litellm brings: otherwise it would download them."""
    spec = importlib.util.find_spec("litellm")
    assert spec is not None
    assert spec.origin is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"))
        yield


async def test_a_chat_is_answered_and_counted(make_chat: MakeChat, provider: Provider) -> None:
    """N1, N3."""
    answer = await make_chat(model=provider.model).ainvoke("Hi")
    assert answer.content == "Hello!"
    assert answer.response_metadata["finish_reason"] == "stop"
    counted: Any = answer.usage_metadata
    assert {name: counted[name] for name in COUNTED} == COUNTED
    assert counted["input_token_details"]["cache_read"] == (0 if provider.name == "ol" else 2)


async def test_a_stream_is_put_together_and_counted(make_chat: MakeChat, provider: Provider) -> None:
    """S8, S11."""
    provider.upstream.always = Reply.text("Hel", "lo", "!")
    chunks = [chunk async for chunk in make_chat(model=provider.model, stream_usage=True).astream("Hi")]

    assert [chunk.content for chunk in chunks if chunk.content] == ["Hel", "lo", "!"]
    whole = sum(chunks[1:], chunks[0])
    assert whole.response_metadata["finish_reason"] == "stop"
    counted: Any = whole.usage_metadata
    assert {name: counted[name] for name in COUNTED} == COUNTED


async def test_a_sync_program_chats_and_streams(make_chat: MakeChat, provider: Provider) -> None:
    model = make_chat(model=provider.model)
    assert (await asyncio.to_thread(model.invoke, "Hi")).content == "Hello!"
    chunks = await asyncio.to_thread(lambda: list(model.stream("Hi")))
    assert "".join(str(chunk.content) for chunk in chunks) == "Hello!"


async def test_a_batch_is_answered_in_order(make_chat: MakeChat, upstream: FakeUpstream) -> None:
    model = make_chat(model="gpt-4o", max_tokens=5)
    answers = await model.abatch(["one", "two", "three"])
    assert [answer.content for answer in answers] == ["Hello!"] * 3
    assert {request.json["messages"][0]["content"] for request in upstream.requests} == {"one", "two", "three"}
    assert [request.json["max_completion_tokens"] for request in upstream.requests] == [5] * 3


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_tool_loop_goes_round(make_chat: MakeChat, provider: Provider, stream: bool) -> None:
    """N4, S9, AN5, GE4, OL3: parallel calls, whose results go back."""
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

    provider.upstream.next(Reply.tools(*SAID_CALLS), Reply.text("Sunny."))
    model = make_chat(model=provider.model).bind_tools([GetWeather, GetTime])
    if stream:
        chunks = [chunk async for chunk in model.astream("Hi")]
        asked: AIMessage = sum(chunks[1:], chunks[0])
    else:
        asked = await model.ainvoke("Hi")
    assert [(call["name"], call["args"]) for call in asked.tool_calls] == ASKED

    results = [
        ToolMessage(result, tool_call_id=call["id"]) for call, result in zip(asked.tool_calls, RESULTS, strict=True)
    ]
    answer = await model.ainvoke([HumanMessage("Hi"), asked, *results])
    assert answer.content == "Sunny."
    sent = provider.upstream.requests[1].body.decode()
    told = [sent.index(word) for word in ("GetWeather", "GetTime", *RESULTS)]
    assert told == sorted(told)


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_an_answer_has_the_shape_that_was_asked_for(make_chat: MakeChat, provider: Provider, method: Any) -> None:
    by_tool = method == "function_calling"
    said = Reply.tools(("call_1", "City", PARIS.model_dump_json())) if by_tool else Reply.text(*PIECES)
    provider.upstream.always = said
    model = make_chat(model=provider.model).with_structured_output(City, method=method)
    assert await model.ainvoke("Where?") == PARIS
    assert asks_for_city(provider.upstream.requests[0])


FAULTS: list[Any] = [
    (Reply.error(400, "No."), "OpenAIInvalidRequestError", openai.BadRequestError),
    (
        Reply.error(400, "Input tokens exceed the configured limit of 9 tokens.", code="context_length_exceeded"),
        "OpenAIContextOverflowError",
        openai.BadRequestError,
    ),
    (Reply.error(404, "gone", code="model_not_found"), "OpenAIModelNotFoundError", openai.NotFoundError),
    (Reply.error(429, "slow"), "OpenAIRateLimitError", openai.RateLimitError),
    (Reply.error(500, "broken"), "OpenAIAPIError", openai.InternalServerError),
]


@pytest.mark.parametrize(("reply", "name", "raised"), FAULTS, ids=[name for _, name, _ in FAULTS])
async def test_an_error_is_raised_by_its_own_name(
    make_chat: MakeChat, upstream: FakeUpstream, reply: Reply, name: str, raised: type[openai.APIStatusError]
) -> None:
    """E2, E10, S6."""
    upstream.always = reply
    model = make_chat(model="gpt-4o")
    with pytest.raises(raised) as whole:
        await model.ainvoke("Hi")
    with pytest.raises(raised) as streamed:
        await _read(model)
    assert [type(caught.value).__name__ for caught in (whole, streamed)] == [name] * 2


async def test_a_wrong_key_is_raised_by_its_own_name(make_chat: MakeChat) -> None:
    """E3."""
    with pytest.raises(openai.AuthenticationError) as caught:
        await make_chat(model="gpt-4o", api_key="sk-nobody").ainvoke("Hi")
    assert type(caught.value).__name__ == "OpenAIAuthenticationError"


async def test_it_does_not_multiply_our_tries(make_chat: MakeChat, upstream: FakeUpstream) -> None:
    """E12."""
    upstream.always = Reply.error(500)
    with pytest.raises(openai.InternalServerError):
        await make_chat(model="gpt-4o", max_retries=2).ainvoke("Hi")
    assert len(upstream.requests) == HASTE.max_tries


async def test_a_stream_that_breaks_raises(make_chat: MakeChat, provider: Provider) -> None:
    """S5, X1."""
    provider.upstream.always = Reply.text("Hel", "lo").stopping("reset", after=2)
    with pytest.raises(openai.APIError):
        await _read(make_chat(model=provider.model))


async def test_embeddings_are_sent_as_tokens_unless_told_otherwise(
    make_embeddings: MakeEmbeddings, upstream: FakeUpstream, offline_tokens: None
) -> None:
    """B2."""
    for checked, sent in ((True, [[606], [20375]]), (False, ["one", "two"])):
        model = make_embeddings(model=EMBEDDING_MODEL, check_embedding_ctx_length=checked)
        assert await model.aembed_documents(["one", "two"]) == [[0.0, 0.5, 0.5], [1.0, 0.5, 0.5]]
        assert upstream.requests[-1].json["input"] == sent


@pytest.mark.parametrize("model", ["memoryos/hashed", "ge/gemini-embedding-001", "ol/nomic-embed-text"])
async def test_embeddings_of_who_takes_only_texts_need_to_be_told(
    make_embeddings: MakeEmbeddings, model: str, offline_tokens: None
) -> None:
    """B2: and the refusal says what to do."""
    texts = make_embeddings(model=model, check_embedding_ctx_length=False)
    assert len(await texts.aembed_documents(["one", "two"])) == 2
    assert len(await asyncio.to_thread(texts.embed_query, "one")) > 1
    with pytest.raises(openai.BadRequestError, match="texts"):
        await make_embeddings(model=model).aembed_documents(["one", "two"])


async def test_embeddings_have_the_length_that_was_asked_for(make_embeddings: MakeEmbeddings) -> None:
    """B2."""
    for model in (EMBEDDING_MODEL, "ol/nomic-embed-text"):
        made = make_embeddings(model=model, dimensions=4, check_embedding_ctx_length=False)
        assert len(await made.aembed_query("one")) == 4


async def _read(model: "ChatOpenAI") -> None:
    async for _ in model.astream("Hi"):
        pass
