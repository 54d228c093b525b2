"""The ranker: how the features add up, how ties go, and that the order of its input does not count."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.ranking.features import FEATURES
from memoryos_core.ranking.ranker import rank
from memoryos_core.ranking.weights import WEIGHTS
from memoryos_ports.memory import Candidate
from tests.support.makers import NOON, after, make_candidate, make_page

TEXTS = [
    "tea",
    "Do you like tea?",
    "Thanks!",
    "From now on, tea only",
    "I prefer Assam",
    "We met on 3 May",
    "茶",
    "\ud800",
    "",
]


def candidates() -> st.SearchStrategy[list[Candidate]]:
    """Candidates with every mixture of likeness, words, speakers, texts, times and neighbours."""
    one = st.tuples(
        st.none() | st.floats(-1, 1),
        st.none() | st.floats(0.001, 50),
        st.sampled_from([None, "Ana", "Bob"]),
        st.sampled_from(["user", "assistant", "system"]),
        st.integers(0, 3),
        st.sampled_from(TEXTS),
        st.booleans(),
    )
    return st.lists(one, max_size=12).map(_linked)


def _linked(rows: list[tuple[float | None, float | None, str | None, str, int, str, bool]]) -> list[Candidate]:
    found: list[Candidate] = []
    for number, (cosine, bm25, name, role, at, text, follows) in enumerate(rows):
        before = found[-1].page.id if follows and found else None
        page = make_page(text, event=f"e{number}", name=name, role=role, timestamp=after(at), follows=before)
        found.append(make_candidate(page, cosine=cosine, bm25=bm25))
    return found


QUESTIONS = st.sampled_from(["What did Ana say", "When did I have tea last week?", "Can you suggest a tea?", ""])


@given(QUESTIONS, candidates(), st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(asked: str, found: list[Candidate], chance: random.Random) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert rank(asked, shuffled, asked_at=NOON) == rank(asked, found, asked_at=NOON)


@given(QUESTIONS, candidates())
def test_each_candidate_is_one_hit_and_scores_fall(asked: str, found: list[Candidate]) -> None:
    hits = rank(asked, found, asked_at=NOON)
    assert sorted(hit.page.id for hit in hits) == sorted(candidate.page.id for candidate in found)
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@given(candidates())
def test_the_score_rises_with_the_sum_of_the_parts(found: list[Candidate]) -> None:
    hits = rank("What did Ana say", found, asked_at=NOON)
    sums = [sum(hit.features.values()) for hit in hits]
    assert sums == sorted(sums, reverse=True)


@given(candidates(), st.integers(0, 15))
def test_a_limit_keeps_the_best(found: list[Candidate], limit: int) -> None:
    best = rank("What did Ana say", found, asked_at=NOON)[:limit]
    assert rank("What did Ana say", found, asked_at=NOON, limit=limit) == best


def test_no_candidates_are_no_hits() -> None:
    assert rank("When was that, last week?", [], asked_at=NOON) == []


def test_every_feature_has_a_weight() -> None:
    assert [feature.__name__ for feature in FEATURES] == [*WEIGHTS]


def test_ties_go_to_the_newer_page() -> None:
    pages = [make_page(event=f"e{minute}", timestamp=after(60 * minute)) for minute in range(6)]
    hits = rank("tea", [make_candidate(page) for page in pages], asked_at=NOON)
    assert [hit.page for hit in hits] == pages[::-1]


def test_a_hit_keeps_its_page_its_chunk_and_its_parts() -> None:
    candidate = make_candidate(make_page("Green tea", name="Ana"), cosine=0.4, bm25=2.0)
    (hit,) = rank("What does Ana drink?", [candidate], asked_at=NOON)
    assert (hit.page, hit.chunk, hit.excerpt) == (candidate.page, candidate.chunk, "Green tea")
    assert hit.features["speaker"] == pytest.approx(WEIGHTS["speaker"])
    assert hit.features["words"] == pytest.approx(WEIGHTS["words"])


def test_words_alone_can_win() -> None:
    near = make_candidate(make_page("Nice weather", event="e1"), cosine=0.3)
    worded = make_candidate(make_page("The Kowalski file", event="e2"), cosine=0.29, bm25=9.0)
    assert (
        rank("Kowalski", [near, worded, make_candidate(make_page(event="e3"), cosine=0.0)], asked_at=NOON)[0].page
        == worded.page
    )


def test_in_a_small_memory_the_day_that_is_asked_for_outweighs_a_hair_of_likeness() -> None:
    day = 86_400
    said = [("a thin crust", -31, 0.60), ("a thick crust", -1, 0.62), ("a burnt crust", -62, 0.66)]
    found = [
        make_candidate(
            make_page(f"We ate pizza with {crust} at a restaurant.", event=f"e{at}", timestamp=after(at * day)),
            cosine=cosine,
            bm25=1.0 + cosine / 10,
        )
        for crust, at, cosine in said
    ]
    best, *_ = rank("Which restaurant was I at yesterday?", found, asked_at=NOON)
    assert best.page.timestamp == after(-day)
