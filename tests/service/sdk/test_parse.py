"""`chat.completions.parse` of OpenAI's own SDK: answers in the shape of a model of Pydantic, whole and streamed."""

import openai
import pytest
from openai import AsyncOpenAI, pydantic_function_tool
from pydantic import BaseModel

from tests.service.sdk.providers import KINDS, Provider, provider_of
from tests.service.sdk.test_openai import HI
from tests.support.fake_upstream import FakeUpstream, Received
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")


class City(BaseModel):
    """What is asked for."""

    name: str
    people: int


PARIS = City(name="Paris", people=2_100_000)
PIECES = ('{"name":"Par', 'is","people":', "2100000}")


def asks_for_city(received: Received) -> bool:
    """Return whether a request holds the fields of a city and a type, wherever and however its dialect has them."""
    return all(word in received.body.decode() for word in ("name", "people", "integer"))


async def test_an_answer_is_parsed(sdk: AsyncOpenAI, provider: Provider) -> None:
    """R3, N7, AN9, GE12, OL9: the schema reaches the provider in its own words."""
    provider.upstream.always = Reply.text(*PIECES)
    answer = await sdk.chat.completions.parse(model=provider.model, messages=HI, response_format=City)
    assert answer.choices[0].message.parsed == PARIS
    assert asks_for_city(provider.upstream.requests[0])


async def test_a_stream_is_parsed(sdk: AsyncOpenAI, provider: Provider) -> None:
    """S8."""
    provider.upstream.always = Reply.text(*PIECES)
    async with sdk.chat.completions.stream(model=provider.model, messages=HI, response_format=City) as stream:
        answer = await stream.get_final_completion()
    assert answer.choices[0].message.parsed == PARIS
    assert asks_for_city(provider.upstream.requests[0])


async def test_arguments_of_a_tool_are_parsed(sdk: AsyncOpenAI, provider: Provider) -> None:
    """N4."""
    provider.upstream.always = Reply.tools(("call_1", "City", PARIS.model_dump_json()))
    tools = [pydantic_function_tool(City)]
    answer = await sdk.chat.completions.parse(model=provider.model, messages=HI, tools=tools)
    calls = answer.choices[0].message.tool_calls or ()
    assert [call.function.parsed_arguments for call in calls] == [PARIS]
    assert asks_for_city(provider.upstream.requests[0])


LENGTH = ("length", openai.LengthFinishReasonError)
FILTER = ("content_filter", openai.ContentFilterFinishReasonError)
CUT = [*((name, *LENGTH) for name in KINDS), *((name, *FILTER) for name in KINDS if name != "ol")]
"""Ollama filters nothing."""


@pytest.mark.parametrize(("name", "reason", "raised"), CUT)
async def test_an_answer_that_was_cut_is_not_parsed(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], name: str, reason: str, raised: type[openai.OpenAIError]
) -> None:
    """N7, X1: the end is told as it was."""
    provider = provider_of(name, upstreams)
    provider.upstream.always = Reply.text('{"name":', finish_reason=reason)
    with pytest.raises(raised):
        await sdk.chat.completions.parse(model=provider.model, messages=HI, response_format=City)
