"""The figures of a retrieval, against cases worked out by hand."""

import math

import pytest

from memoryos_gateway.evaluation.metrics import Answered, count_tokens, percentile, score, summarise

_TEN_EACH = dict.fromkeys("abcdefgh", 10)


def test_recall_counts_the_needed_turns_among_the_first_k() -> None:
    figures = score(["a", "b", "c", "d", "e", "f"], ["a", "c", "f", "z"], _TEN_EACH)

    assert [figures[f"r@{k}"] for k in (1, 5, 10, 50)] == [0.25, 0.5, 0.75, 0.75]
    assert [figures[f"any@{k}"] for k in (1, 5)] == [1.0, 1.0]
    assert figures["all@50"] == 0.0


def test_all_is_reached_with_the_last_needed_turn() -> None:
    figures = score(["x", "a", "y", "z", "w", "b"], ["a", "b"], {})

    assert [figures[f"all@{k}"] for k in (1, 5, 10)] == [0.0, 0.0, 1.0]
    assert [figures[f"any@{k}"] for k in (1, 5)] == [0.0, 1.0]


def test_ndcg_compares_with_the_best_order() -> None:
    figures = score(["x", "a", "y", "b"], ["a", "b"], {})

    found = 1 / math.log2(3) + 1 / math.log2(5)
    best = 1 / math.log2(2) + 1 / math.log2(3)
    assert figures["ndcg@10"] == pytest.approx(found / best)


def test_ndcg_looks_at_ten_turns_only() -> None:
    assert score([*"0123456789", "a"], ["a"], {})["ndcg@10"] == 0.0


@pytest.mark.parametrize(("found", "rank"), [("abc", 1.0), ("xab", 0.5), ("xyza", 0.25), ("xyz", 0.0), ("", 0.0)])
def test_reciprocal_rank_is_that_of_the_first_needed_turn(found: str, rank: float) -> None:
    assert score([*found], ["a", "b"], {})["mrr"] == rank


def test_a_budget_holds_what_ends_within_it() -> None:
    figures = score(["x", "a", "b"], ["a", "b"], {"x": 200, "a": 50, "b": 251})

    assert [figures[f"r@{budget}tok"] for budget in (250, 500, 1000)] == [0.5, 0.5, 1.0]
    assert [figures[f"tok@{k}"] for k in (1, 5)] == [200, 501]


def test_nothing_found_is_nothing_everywhere() -> None:
    assert set(score([], ["a"], {}).values()) == {0.0}


def test_a_turn_named_twice_as_evidence_counts_once() -> None:
    assert score(["a"], ["a", "a"], {})["r@1"] == 1.0


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("Hello, world!", 4), ("it's 3.50", 6), ("snake_case", 1), ("喝茶。", 2)]
)
def test_a_token_is_a_word_or_a_sign(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0, 1.0, 2.0], 0.5, 2.0), ([1.0, 2.0], 0.5, 1.5), ([0.0, 10.0, 20.0], 0.95, 19.0), ([7.0], 0.95, 7.0)],
)
def test_a_percentile_is_interpolated(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == pytest.approx(expected)


def _answered(category: str, recall: float, *, foreign: int = 0) -> Answered:
    return Answered(id="q", category=category, figures={"r@10": recall}, foreign=foreign, ms=1.0, turns=())


def test_means_are_those_of_each_category_and_unanswerable_questions_are_no_part_of_overall() -> None:
    answers = [_answered("a", 1.0), _answered("b", 0.5), _answered("b", 0.0, foreign=3), _answered("adversarial", 0.0)]

    assert summarise(answers) == {
        "overall": {"r@10": 0.5, "foreign": 1.0, "count": 3},
        "a": {"r@10": 1.0, "foreign": 0.0, "count": 1},
        "b": {"r@10": 0.25, "foreign": 1.5, "count": 2},
        "adversarial": {"r@10": 0.0, "foreign": 0.0, "count": 1},
    }
