"""What the hashed embedder makes of words."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_ports.embedding import EmbedderStamp


async def cosine(one: str, other: str) -> float:
    a, b = await HashedEmbedder().embed([one, other])
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_the_stamp_holds_the_dimensions_asked_for() -> None:
    embedder = HashedEmbedder(dimensions=8)
    assert embedder.stamp == EmbedderStamp(name="hashed-v1", dimensions=8)
    assert [len(vector) for vector in await embedder.embed(["tea", ""])] == [8, 8]


async def test_a_word_has_the_same_place_in_every_process() -> None:
    [vector] = await HashedEmbedder(dimensions=8).embed(["we drink green tea"])
    assert vector == pytest.approx([-0.4962, -0.5012, 0, 0, -0.5012, 0, 0.5012, 0], abs=1e-4)


@pytest.mark.parametrize(("one", "other"), [("Green TEA", "tea, green!"), ("绿茶", "茶 绿"), ("STRASSE", "straße")])
async def test_case_order_and_punctuation_do_not_count(one: str, other: str) -> None:
    assert await cosine(one, other) == pytest.approx(1)


async def test_texts_that_share_a_character_of_chinese_are_related() -> None:
    assert await cosine("我喜欢绿茶", "绿茶在哪里") > await cosine("我喜欢绿茶", "火车晚点了") + 0.2


@given(text=st.text(), dimensions=st.integers(min_value=1, max_value=16))
async def test_the_length_is_one_even_where_words_cancel_out(text: str, dimensions: int) -> None:
    [vector] = await HashedEmbedder(dimensions=dimensions).embed([text])
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-9)
