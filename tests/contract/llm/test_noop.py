"""The offline fallback keeps the promises of its port, and shows a newcomer what memory brought."""

import pytest

from memoryos_adapters.llm.noop import NoopLlm
from memoryos_ports.llm import LlmAdapter
from tests.contract.llm.requests import make_request, stream_of, text_of
from tests.contract.llm.suite import LlmContract


class TestNoopLlm(LlmContract):
    """`NoopLlm` with nothing recalled."""

    @pytest.fixture
    def llm(self) -> LlmAdapter:
        """The fallback."""
        return NoopLlm()


async def test_it_says_who_it_is_and_quotes_what_was_recalled_line_by_line() -> None:
    answer = await NoopLlm().chat(make_request(recalled=("I drink tea.\nAt four.", "My cat is Mia.")))

    assert answer.choices[0].message.content == (
        "I am MemoryOS's offline fallback: no language model is configured, so I can only tell what I remember.\n\n"
        "This may help:\n\n> I drink tea.\n> At four.\n\n> My cat is Mia.\n\n"
        "For real answers, configure a provider under [llm.providers]."
    )


async def test_it_says_that_nothing_is_remembered_yet() -> None:
    answer = await NoopLlm().chat(make_request())

    assert "I remember nothing about this yet." in str(answer.choices[0].message.content)


async def test_it_streams_word_by_word() -> None:
    chunks = await stream_of(NoopLlm(), make_request(recalled=("I drink tea.",)))

    assert len(chunks) > 20
    assert "> I drink tea." in text_of(chunks)


async def test_its_usage_is_an_estimate_that_says_so() -> None:
    answer = await NoopLlm().chat(make_request("x" * 400))

    assert answer.usage is not None
    assert answer.usage.estimated
    assert answer.usage.prompt_tokens == 100


async def test_it_answers_under_the_name_of_the_model_that_was_asked_for() -> None:
    answer = await NoopLlm(name="offline").chat(make_request(model="gpt-anything"))

    assert answer.model == "gpt-anything"
    assert answer.id.startswith("chatcmpl-")
