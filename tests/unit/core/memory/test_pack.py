"""Packing ranked pages into a budget."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.memory.block import frame_tokens, line_tokens, render_block
from memoryos_core.memory.pack import FACTS_SHARE, MAX_FACTS, MIN_FACT_COSINE, chronological, fit_to_budget, pack
from memoryos_core.ranking.knowledge import KnowledgeHit
from memoryos_core.ranking.ranker import Hit
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Page
from tests.support.makers import after, make_fact, make_hit, make_page


def pages() -> st.SearchStrategy[list[Page]]:
    """Pages of any text and some times."""
    rows = st.tuples(st.text(max_size=80), st.integers(0, 5), st.sampled_from([None, "Ana", "李"]))
    return st.lists(rows, max_size=15).map(
        lambda all_: [
            make_page(text, event=f"e{n}", timestamp=after(at), name=name) for n, (text, at, name) in enumerate(all_)
        ]
    )


def hits(all_: Sequence[Page]) -> list[Hit]:
    """Return the pages as hits, best first."""
    return [make_hit(page, score=1 - number / 100) for number, page in enumerate(all_)]


@given(pages(), st.integers(-50, 400))
def test_the_budget_is_never_exceeded(all_: list[Page], budget: int) -> None:
    chosen = fit_to_budget(hits(all_), budget_tokens=budget - frame_tokens(), cost=line_tokens)
    assert estimate_tokens(render_block(chosen)) <= max(budget, 0)


@given(pages())
def test_with_room_for_all_nothing_but_duplicates_is_left_out(all_: list[Page]) -> None:
    chosen = fit_to_budget(hits(all_), budget_tokens=10**6, cost=line_tokens)
    assert chosen == chronological(chosen)
    assert {(page.name, page.text) for page in chosen} == {(page.name, page.text) for page in all_}
    assert len(chosen) == len({(page.name, page.text) for page in all_})


def test_pages_come_oldest_first() -> None:
    first, second, third = (make_page(f"text {n}", event=f"e{n}", timestamp=after(n)) for n in range(3))
    answer = make_page("answer", event="e1", index=1, timestamp=after(1))
    assert chronological([answer, third, second, first]) == [first, second, answer, third]
    assert fit_to_budget(hits([third, first]), budget_tokens=99, cost=lambda _: 1) == [first, third]


def test_of_duplicates_the_best_is_taken() -> None:
    best, again = make_page("tea", event="e1"), make_page("tea", event="e2")
    other = make_page("tea", event="e3", role="assistant")
    assert fit_to_budget(hits([best, again, other]), budget_tokens=9, cost=lambda _: 1) == chronological([best, other])


def test_a_page_too_long_is_passed_over_for_a_shorter_one() -> None:
    long, short = make_page("long " * 50, event="e1"), make_page("short", event="e2")
    assert fit_to_budget(hits([long, short]), budget_tokens=20, cost=lambda page: len(page.text)) == [short]


def known(fact: Fact, *, cosine: float = 0.9, words: float = 0.0) -> KnowledgeHit:
    """Return a fact as a hit that is so near to its question."""
    return KnowledgeHit(memory=fact, score=0.5, features={}, cosine=cosine, bm25=words)


@given(pages(), st.lists(st.text(max_size=60), max_size=12), st.integers(-50, 400))
def test_facts_and_pages_together_stay_within_the_budget(all_: list[Page], texts: list[str], budget: int) -> None:
    facts = [known(make_fact(text, source=f"f{n}")) for n, text in enumerate(texts)]
    chosen = pack(hits(all_), facts, budget_tokens=budget - frame_tokens(), cost=line_tokens)
    assert estimate_tokens(render_block(chosen)) <= max(budget, 0)


def test_facts_come_before_pages_and_oldest_first() -> None:
    old, new = make_fact("old", valid_from=after(-9), source="f1"), make_fact("new", source="f2")
    page = make_page("a page", event="e9", timestamp=after(-99))
    assert pack([make_hit(page)], [known(new), known(old)], budget_tokens=99, cost=lambda _: 1) == [old, new, page]


def test_a_fact_is_left_out_when_the_page_that_tells_it_is_in() -> None:
    page = make_page("I like tea", event="e1")
    fact = make_fact("Ana likes tea", source="e1")
    assert pack([make_hit(page)], [known(fact)], budget_tokens=99, cost=lambda _: 1) == [page]
    assert pack([], [known(fact)], budget_tokens=99, cost=lambda _: 1) == [fact]


def test_facts_take_their_share_and_no_more() -> None:
    facts = [known(make_fact(f"fact {n}", source=f"f{n}")) for n in range(20)]
    assert len(pack([], facts, budget_tokens=1000, cost=lambda _: 1)) == MAX_FACTS
    assert len(pack([], facts, budget_tokens=12, cost=lambda _: 1)) == 12 * FACTS_SHARE


def test_facts_far_from_the_question_and_the_same_statement_again_are_left_out() -> None:
    far = known(make_fact("far", source="f1"), cosine=MIN_FACT_COSINE - 0.01)
    best, again = known(make_fact("same", source="f2")), known(make_fact("same", source="f3"))
    assert pack([], [best, again, far], budget_tokens=99, cost=lambda _: 1) == [best.memory]
    sharing = known(make_fact("far", source="f1"), cosine=MIN_FACT_COSINE - 0.01, words=0.1)
    assert pack([], [sharing], budget_tokens=99, cost=lambda _: 1) == [sharing.memory]
