"""The ranker: what each feature is worth, how ties go, and that the order of its input does not count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.memory.rank import WEIGHTS, rank_candidates
from memoryos_ports.memory import Candidate, Chunk
from tests.support.makers import after, make_candidate, make_page


def candidates() -> st.SearchStrategy[list[Candidate]]:
    """Candidates with every mixture of lists that brought them up, speakers and times."""
    one = st.tuples(
        st.none() | st.floats(-1, 1),
        st.none() | st.floats(0.001, 50),
        st.sampled_from([None, "Ana", "Bob"]),
        st.integers(0, 3),
    )
    return st.lists(one, max_size=12).map(
        lambda rows: [
            make_candidate(make_page(event=f"e{n}", name=name, timestamp=after(at)), cosine=cosine, bm25=bm25)
            for n, (cosine, bm25, name, at) in enumerate(rows)
        ]
    )


@given(candidates(), st.randoms())
def test_the_order_of_the_candidates_does_not_matter(given_: list[Candidate], chance: object) -> None:
    shuffled = list(given_)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random, which the strategy's type does not say
    assert rank_candidates("what did Ana say", shuffled) == rank_candidates("what did Ana say", given_)


@given(candidates())
def test_scores_are_between_0_and_1_and_fall(given_: list[Candidate]) -> None:
    hits = rank_candidates("what did Ana say", given_)
    assert {hit.page.id for hit in hits} == {candidate.page.id for candidate in given_}
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert sorted((hit.score for hit in hits), reverse=True) == [hit.score for hit in hits]


@given(candidates())
def test_features_add_up_to_the_score(given_: list[Candidate]) -> None:
    for hit in rank_candidates("what did Ana say", given_):
        assert hit.score == pytest.approx(min(1, max(0, sum(hit.features.values()) / sum(WEIGHTS.values()))))


def test_no_candidates_are_no_hits() -> None:
    assert rank_candidates("tea", []) == []


@pytest.mark.parametrize(
    ("name", "is_named"), [("Ana", True), ("ana", True), ("Ana Maria", True), ("An", False), (None, False)]
)
def test_a_speaker_named_in_the_question_counts(name: str | None, is_named: bool) -> None:
    (hit,) = rank_candidates("What did ANA's friend say?", [make_candidate(make_page(name=name), cosine=0.5)])
    assert hit.features["speaker"] == (WEIGHTS["speaker"] if is_named else 0)


def test_a_missing_cosine_counts_as_the_lowest_seen_and_a_missing_bm25_as_none() -> None:
    pages = [make_page(event=f"e{n}") for n in range(3)]
    given_ = [
        make_candidate(pages[0], cosine=0.8),
        make_candidate(pages[1], cosine=0.3, bm25=2.0),
        make_candidate(pages[2], bm25=4.0),
    ]
    features = {hit.page.id: hit.features for hit in rank_candidates("tea", given_)}
    assert features[pages[2].id]["cosine"] == features[pages[1].id]["cosine"] == WEIGHTS["cosine"] * 0.3
    assert [features[page.id]["bm25"] for page in pages] == [0, WEIGHTS["bm25"] / 2, WEIGHTS["bm25"]]


def test_without_any_cosine_words_alone_decide() -> None:
    given_ = [make_candidate(make_page(event=f"e{n}"), bm25=float(n)) for n in range(1, 4)]
    assert [hit.page.event_id for hit in rank_candidates("tea", given_)] == ["e3", "e2", "e1"]


def test_ties_go_to_the_newer_page() -> None:
    old, new = make_page(event="e1"), make_page(event="e2", timestamp=after(1))
    later = make_page(event="e3", accepted_at=after(1))
    hits = rank_candidates("tea", [make_candidate(page, cosine=0.5) for page in (old, new, later)])
    assert [hit.page.event_id for hit in hits] == ["e2", "e3", "e1"]


def test_a_hit_quotes_its_best_chunk() -> None:
    page = make_page("first second")
    candidate = Candidate(page=page, chunk=Chunk(number=1, start=6, end=12), cosine=0.5)
    assert rank_candidates("tea", [candidate])[0].excerpt == "second"
