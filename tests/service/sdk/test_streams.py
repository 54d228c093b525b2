"""Streams with OpenAI's own SDK: each thing once, put together by its helper, and an honest end."""

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.service.sdk.providers import Provider
from tests.service.sdk.test_openai import HI, chunks_of
from tests.support import openai_answers
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")

WITH_USAGE: Any = {"stream": True, "stream_options": {"include_usage": True}}


async def test_a_stream_tells_each_thing_once(sdk: AsyncOpenAI, provider: Provider) -> None:
    """S3, S7, S10, S11."""
    provider.upstream.always = Reply.text("Hel", "lo", "!")
    *said, last = await chunks_of(sdk, model=provider.model, **WITH_USAGE)

    assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in (*said, last)}) == 1
    deltas = [choice.delta for chunk in said for choice in chunk.choices]
    assert [delta.role for delta in deltas] == ["assistant", *[None] * (len(deltas) - 1)]
    assert "".join(delta.content or "" for delta in deltas) == "Hello!"
    ends = [choice.finish_reason for chunk in said for choice in chunk.choices]
    assert ends == [*[None] * (len(ends) - 1), "stop"]
    assert [chunk.usage for chunk in said] == [None] * len(said)
    assert all("usage" in chunk.model_fields_set for chunk in said)
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (7, 3, 10)


async def test_a_stream_without_include_usage_has_none(sdk: AsyncOpenAI, provider: Provider) -> None:
    """S11: the gateway asks for usage itself, and keeps it."""
    chunks = await chunks_of(sdk, model=provider.model)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


async def test_the_helper_for_streams_puts_an_answer_together(sdk: AsyncOpenAI, provider: Provider) -> None:
    """S8."""
    provider.upstream.always = Reply.text("Hel", "lo", "!")
    options: Any = WITH_USAGE["stream_options"]
    async with sdk.chat.completions.stream(model=provider.model, messages=HI, stream_options=options) as stream:
        events = [event async for event in stream]
        answer = await stream.get_final_completion()

    assert [event.delta for event in events if event.type == "content.delta" and event.delta] == ["Hel", "lo", "!"]
    assert [event.content for event in events if event.type == "content.done"] == ["Hello!"]
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Hello!", "stop")
    assert answer.usage is not None
    assert answer.usage.total_tokens == 10


async def test_several_answers_in_one_stream_keep_apart(sdk: AsyncOpenAI, upstream: FakeUpstream) -> None:
    """S12: each choice has a role and an end of its own."""
    texts = [openai_answers.choice_delta({"content": text}, index=at) for text, at in (("Te", 0), ("Mi", 1), ("a", 0))]
    roles = [openai_answers.choice_delta({"role": "assistant", "content": ""}, index=at) for at in (0, 1)]
    ends = [openai_answers.choice_delta({}, "stop", index=at) for at in (1, 0)]
    upstream.next(Reply.events(*(openai_answers.chunk(choice) for choice in (*roles, *texts, *ends))))

    async with sdk.chat.completions.stream(model="gpt-4o", messages=HI, n=2) as stream:
        answer = await stream.get_final_completion()

    assert [(choice.index, choice.message.content) for choice in answer.choices] == [(0, "Tea"), (1, "Mi")]
    assert [choice.finish_reason for choice in answer.choices] == ["stop", "stop"]


async def test_a_stream_that_breaks_raises_and_never_says_stop(sdk: AsyncOpenAI, provider: Provider) -> None:
    """S5, X1: what was said before is kept."""
    provider.upstream.always = Reply.text("Hel", "lo").stopping("reset", after=2)
    ends: list[str | None] = []

    async def read() -> None:
        async for chunk in await sdk.chat.completions.create(model=provider.model, messages=HI, stream=True):
            ends.extend(choice.finish_reason for choice in chunk.choices)

    with pytest.raises(openai.APIError) as caught:
        await read()
    assert set(ends) == {None}
    assert isinstance(caught.value.body, dict)
    assert set(caught.value.body) == {"message", "type", "param", "code"}
    assert caught.value.body["message"] == caught.value.message


async def test_a_stream_that_was_cut_short_by_its_bound_says_so(sdk: AsyncOpenAI, provider: Provider) -> None:
    """N2, S10, X1."""
    provider.upstream.always = Reply.text("Hel", "lo", finish_reason="length")
    chunks = await chunks_of(sdk, model=provider.model, max_tokens=2)
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "length"
