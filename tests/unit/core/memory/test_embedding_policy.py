"""Sensitive texts are given to local embedders only."""

from collections.abc import Sequence

import pytest

from memoryos_core.memory.embedding_policy import GuardedEmbedder
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.embedding import EmbedderStamp, Vector

RULES = SensitiveRules(["tulip"])


class WatchedEmbedder:
    """Gives each text the vector ``[its length]``; `seen` are the texts of each call."""

    stamp = EmbedderStamp(name="watched", dimensions=1)

    def __init__(self, *, local: bool) -> None:
        self.local = local
        self.seen: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return the lengths of the texts."""
        self.seen.append(list(texts))
        return [[float(len(text))] for text in texts]


async def test_marked_texts_and_those_of_a_rule_are_not_shown_outside() -> None:
    outside = WatchedEmbedder(local=False)
    texts, marks = ["a", "bb", "the Tulip", "dddd"], [False, True, False, False]
    assert await GuardedEmbedder(outside, RULES).vectors(texts, sensitive=marks) == [[1.0], None, None, [4.0]]
    assert outside.seen == [["a", "dddd"]]


async def test_a_local_embedder_sees_everything() -> None:
    here = WatchedEmbedder(local=True)
    guarded = GuardedEmbedder(here, RULES)
    assert await guarded.vectors(["a", "the tulip"], sensitive=[True, False]) == [[1.0], [9.0]]
    assert here.seen == [["a", "the tulip"]]


@pytest.mark.parametrize(
    ("text", "sensitive", "vector"),
    [("tea?", False, [4.0]), ("tea?", True, None), ("Where is the TULIP?", False, None)],
)
async def test_a_sensitive_question_has_no_vector_outside(text: str, sensitive: bool, vector: Vector | None) -> None:
    outside = WatchedEmbedder(local=False)
    assert await GuardedEmbedder(outside, RULES).vector(text, sensitive=sensitive) == vector
    assert outside.seen == ([] if vector is None else [[text]])


async def test_without_rules_only_marks_count() -> None:
    outside = WatchedEmbedder(local=False)
    assert await GuardedEmbedder(outside).vectors(["tulip", "x"], sensitive=[False, True]) == [[5.0], None]
