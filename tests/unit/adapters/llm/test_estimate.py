"""The stated estimate of tokens."""

import pytest

from memoryos_adapters.llm.estimate import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("four", 1), ("fives", 2), ("记忆系统", 4), ("tea 茶", 2), ("🍵", 1)]
)
def test_four_ascii_characters_or_one_other_are_a_token(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
