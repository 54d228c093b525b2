"""What the static embedder makes of words, of characters that it does not know, and what it needs to start."""

from pathlib import Path

import numpy as np
import pytest

from memoryos_adapters.embedding.static import StaticEmbedder
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import ConfigurationError

EMBEDDER = StaticEmbedder.load()


async def cosine(one: str, other: str) -> float:
    a, b = np.array(await EMBEDDER.embed([one, other]))
    return float(a @ b)


def test_the_stamp_names_the_table() -> None:
    assert EMBEDDER.stamp == EmbedderStamp(name="static-minilm-v1", dimensions=256)


@pytest.mark.parametrize(
    ("asked", "near", "far"),
    [
        ("a doctor", "a physician in the hospital", "a train to the coast"),
        ("my puppy", "our dogs", "the tax return"),
        ("绿茶", "我每天早上喝绿茶", "火车晚点了两个小时"),
        ("🍵", "a cup of 🍵 please", "a cup of 🚂 please"),
    ],
)
async def test_related_texts_are_nearer(asked: str, near: str, far: str) -> None:
    assert await cosine(asked, near) > await cosine(asked, far) + 0.1


async def test_frequent_words_hardly_count() -> None:
    assert await cosine("the tea of the day", "tea day") > 0.95


@pytest.mark.parametrize(("one", "other"), [("Green TEA", "tea green"), ("绿茶", "茶 绿"), ("Élan", "elan")])
async def test_case_accents_and_order_do_not_count(one: str, other: str) -> None:
    assert await cosine(one, other) == pytest.approx(1, abs=1e-5)


async def test_two_unknown_characters_are_not_alike() -> None:
    assert abs(await cosine("茶", "咖")) < 0.3


async def test_an_unknown_character_has_the_same_direction_in_every_process() -> None:
    [vector] = await EMBEDDER.embed(["茶"])
    assert "".join("+" if number > 0 else "-" for number in vector[:16]) == "+++----+-+--++++"
    assert vector == pytest.approx([number / abs(number) / 16 for number in vector])


@pytest.mark.parametrize("text", ["", " ", "[SEP]", "\u200b"])
async def test_texts_without_tokens_are_all_alike(text: str) -> None:
    assert await EMBEDDER.embed([text]) == [[1.0] + [0.0] * 255]


async def test_nothing_is_read_beyond_2048_characters() -> None:
    assert await EMBEDDER.embed(["x" * 2048 + " tea"]) == await EMBEDDER.embed(["x" * 2048])


def test_a_build_without_the_table_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"embedding\.kind: static"):
        StaticEmbedder.load(table_directory=tmp_path)
