"""The estimate of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.tokens import estimate_tokens

KNOWN = {
    "": 0,
    "a": 1,
    "four": 1,
    "five5": 2,
    "\u8336": 1,
    "\u559d\u8336": 2,
    "\u559d\u8336 tea": 3,
    "\ud55c\uad6d": 2,
    "\U0001f375": 1,
    "caf\u00e9s": 2,
}


@pytest.mark.parametrize(("text", "tokens"), KNOWN.items())
def test_wide_characters_cost_one_and_four_others_one(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_more_text_never_costs_less_and_parts_bound_the_whole(a: str, b: str) -> None:
    assert (
        max(estimate_tokens(a), estimate_tokens(b)) <= estimate_tokens(a + b) <= estimate_tokens(a) + estimate_tokens(b)
    )
