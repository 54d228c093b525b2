"""What the frozen structs of the ports compute."""

from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.llm import Usage


def test_usage_totals_prompt_and_completion() -> None:
    assert Usage(prompt_tokens=7, completion_tokens=3, cached_tokens=5, reasoning_tokens=2).total_tokens == 10


def test_a_stamp_reads_as_name_and_dimensions() -> None:
    assert str(EmbedderStamp(name="minilm", dimensions=384)) == "minilm/384"
