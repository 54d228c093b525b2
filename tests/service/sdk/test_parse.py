"""`chat.completions.parse` of OpenAI's own SDK: answers in the shape of a model of Pydantic, whole and streamed."""

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, pydantic_function_tool
from pydantic import BaseModel

from tests.service.sdk.providers import Provider
from tests.service.sdk.test_openai import HI
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")


class City(BaseModel):
    """What is asked for."""

    name: str
    people: int


PARIS = City(name="Paris", people=2_100_000)
PIECES = ('{"name":"Par', 'is","people":', "2100000}")


def holds_schema(document: Any) -> bool:
    """Return whether a request holds the schema of a city, wherever its dialect has it."""
    match document:
        case {"properties": {"name": {"type": "string"}, "people": {"type": "integer"}}}:
            return True
        case dict():
            return any(map(holds_schema, document.values()))
        case list():
            return any(map(holds_schema, document))
    return False


async def test_an_answer_is_parsed(sdk: AsyncOpenAI, provider: Provider) -> None:
    """R3, N7, AN9, GE12, OL9: the schema reaches the provider in its own words."""
    provider.upstream.always = Reply.text(*PIECES)
    answer = await sdk.chat.completions.parse(model=provider.model, messages=HI, response_format=City)
    assert answer.choices[0].message.parsed == PARIS
    assert holds_schema(provider.upstream.requests[0].json)


async def test_a_stream_is_parsed(sdk: AsyncOpenAI, provider: Provider) -> None:
    """S8."""
    provider.upstream.always = Reply.text(*PIECES)
    async with sdk.chat.completions.stream(model=provider.model, messages=HI, response_format=City) as stream:
        answer = await stream.get_final_completion()
    assert answer.choices[0].message.parsed == PARIS
    assert holds_schema(provider.upstream.requests[0].json)


async def test_arguments_of_a_tool_are_parsed(sdk: AsyncOpenAI, provider: Provider) -> None:
    """N4."""
    provider.upstream.always = Reply.tools(("call_1", "City", PARIS.model_dump_json()))
    tools = [pydantic_function_tool(City)]
    answer = await sdk.chat.completions.parse(model=provider.model, messages=HI, tools=tools)
    (call,) = answer.choices[0].message.tool_calls or ()
    assert call.function.parsed_arguments == PARIS
    assert holds_schema(provider.upstream.requests[0].json)


@pytest.mark.parametrize(
    ("reason", "raised"),
    [("length", openai.LengthFinishReasonError), ("content_filter", openai.ContentFilterFinishReasonError)],
)
async def test_an_answer_that_was_cut_is_not_parsed(
    sdk: AsyncOpenAI, provider: Provider, reason: str, raised: type[openai.OpenAIError]
) -> None:
    """N7, X1: the end is told as it was."""
    if provider.name == "ol" and reason == "content_filter":
        pytest.skip("Ollama filters nothing")
    provider.upstream.always = Reply.text('{"name":', finish_reason=reason)
    with pytest.raises(raised):
        await sdk.chat.completions.parse(model=provider.model, messages=HI, response_format=City)
