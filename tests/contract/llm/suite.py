"""The promises of `LlmAdapter`, which every adapter keeps."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
import pytest

from memoryos_ports.llm import LlmAdapter
from tests.contract.llm.requests import deltas_of, make_request, stream_of, text_of


class LlmContract:
    """Subclass it as ``Test…`` with a fixture `llm` whose provider gives the same answer to every request."""

    @pytest.fixture(autouse=True)
    async def no_task_is_left(self) -> AsyncIterator[None]:
        """Check, when everything else is closed, that nothing runs on."""
        yield
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def test_it_is_an_adapter_with_a_name(self, llm: LlmAdapter) -> None:
        assert isinstance(llm, LlmAdapter)
        assert llm.name

    async def test_a_provider_that_answers_is_reached(self, llm: LlmAdapter) -> None:
        await llm.reach()

    async def test_a_whole_answer_has_a_head_and_choices_counted_from_0(self, llm: LlmAdapter) -> None:
        answer = await llm.chat(make_request())

        assert answer.id
        assert answer.model
        assert answer.created > 0
        assert [choice.index for choice in answer.choices] == list(range(len(answer.choices)))
        assert answer.choices

    async def test_the_wire_of_a_whole_answer_says_the_same_as_its_fields(self, llm: LlmAdapter) -> None:
        answer = await llm.chat(make_request())

        if answer.wire is not None:
            wire = msgspec.json.decode(answer.wire)
            assert (wire["id"], wire["created"], wire["model"]) == (answer.id, answer.created, answer.model)
            assert [choice["finish_reason"] for choice in wire["choices"]] == [
                choice.finish_reason for choice in answer.choices
            ]

    async def test_a_stream_comes_as_lists_that_are_never_empty(self, llm: LlmAdapter) -> None:
        lists = [chunks async for chunks in llm.chat_stream(make_request())]

        assert lists
        assert all(lists)

    async def test_all_chunks_have_the_same_head(self, llm: LlmAdapter) -> None:
        chunks = await stream_of(llm, make_request())

        heads = {(chunk.id, chunk.created, chunk.model) for chunk in chunks}
        assert len(heads) == 1
        assert all(heads.pop())

    async def test_the_role_comes_once_and_first(self, llm: LlmAdapter) -> None:
        roles = [delta.role for delta in deltas_of(await stream_of(llm, make_request()))]

        assert roles == ["assistant"] + [None] * (len(roles) - 1)

    async def test_each_choice_ends_exactly_once(self, llm: LlmAdapter) -> None:
        chunks = await stream_of(llm, make_request())

        indices = {delta.index for chunk in chunks for delta in chunk.deltas}
        ends = Counter(delta.index for chunk in chunks for delta in chunk.deltas if delta.finish_reason)
        assert ends == dict.fromkeys(indices, 1)

    async def test_usage_comes_last_and_alone(self, llm: LlmAdapter) -> None:
        chunks = await stream_of(llm, make_request())

        assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert chunks[-1].deltas == ()

    async def test_a_stream_says_what_the_whole_answer_says(self, llm: LlmAdapter) -> None:
        answer = await llm.chat(make_request())
        chunks = await stream_of(llm, make_request())

        (choice,) = answer.choices
        assert text_of(chunks) == choice.message.content
        assert [delta.finish_reason for delta in deltas_of(chunks)][-1] == choice.finish_reason
        assert chunks[-1].usage == answer.usage

    async def test_the_wire_of_a_chunk_fits_in_one_line_of_a_stream(self, llm: LlmAdapter) -> None:
        for chunk in await stream_of(llm, make_request()):
            if chunk.wire is not None:
                assert b"\n" not in chunk.wire
                assert msgspec.json.decode(chunk.wire)["id"] == chunk.id

    async def test_many_tasks_can_ask_at_once(self, llm: LlmAdapter) -> None:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            streams = [group.create_task(stream_of(llm, make_request())) for _ in range(20)]
            answers = [group.create_task(llm.chat(make_request())) for _ in range(20)]

        texts = {answer.result().choices[0].message.content for answer in answers}
        assert {text_of(stream.result()) for stream in streams} == texts
        assert len(texts) == 1

    async def test_a_stream_may_be_closed_early(self, llm: LlmAdapter) -> None:
        async with asyncio.timeout(5), aclosing(llm.chat_stream(make_request())) as stream:
            await anext(stream)

        assert await llm.chat(make_request())

    async def test_a_call_may_be_cancelled(self, llm: LlmAdapter) -> None:
        task = asyncio.create_task(llm.chat(make_request()))
        await asyncio.sleep(0)
        task.cancel()

        async with asyncio.timeout(5):
            await asyncio.wait([task])
        assert await llm.chat(make_request())
