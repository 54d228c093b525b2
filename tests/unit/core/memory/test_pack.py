"""Packing ranked pages into a budget."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.memory.block import frame_tokens, line_tokens, render_block
from memoryos_core.memory.excerpt import Excerpt, excerpt
from memoryos_core.memory.pack import FACTS_SHARE, MAX_FACTS, MIN_FACT_COSINE, chronological, fit_to_budget, pack
from memoryos_core.ranking.knowledge import KnowledgeHit
from memoryos_core.ranking.ranker import Hit
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Chunk, Page
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


def corrected(fact: Fact, *pages: Page) -> KnowledgeHit:
    """Return a fact, far from the question, that holds instead of what the pages tell."""
    return msgspec.structs.replace(known(fact, cosine=0.0), outdated=frozenset(page.id for page in pages))


def test_a_page_that_tells_what_has_ended_comes_with_the_fact_that_holds() -> None:
    page, other = make_page("I live in Rome", event="e1"), make_page("I like Rome", event="e2")
    berlin = make_fact("the user lives in Berlin", source="e9")
    others = [known(make_fact(f"fact {n}", source=f"f{n}")) for n in range(MAX_FACTS)]
    chosen = pack(
        [make_hit(page), make_hit(other)], [*others, corrected(berlin, page)], budget_tokens=99, cost=lambda _: 1
    )
    assert berlin in chosen
    assert page in chosen
    without = pack([make_hit(other)], [*others, corrected(berlin, page)], budget_tokens=99, cost=lambda _: 1)
    assert berlin not in without


def test_a_page_that_tells_what_has_ended_is_left_out_when_the_fact_has_no_room() -> None:
    page, other = make_page("I live in Rome", event="e1"), make_page("I like Rome", event="e2")
    berlin = make_fact("the user lives in Berlin", source="e9")
    chosen = pack([make_hit(page), make_hit(other)], [corrected(berlin, page)], budget_tokens=30, cost=lambda _: 10)
    assert chosen == [other]


def test_a_fact_of_the_slot_that_is_asked_for_comes_however_far_its_words() -> None:
    far = known(make_fact("the user resides in Berlin", source="f1"), cosine=0.0)
    assert pack([], [far], budget_tokens=99, cost=lambda _: 1) == []
    asked = msgspec.structs.replace(far, slot=True)
    assert pack([], [asked], budget_tokens=99, cost=lambda _: 1) == [far.memory]


def long_hit(length: int, needle: str = "The key is under the blue pot.", filler: str = "so it went on ") -> Hit:
    """Return a hit on a page of about that length, whose best chunk holds a needle in its middle."""
    half = filler * (length // 2 // len(filler))
    page = make_page(half + needle + " " + half)
    chunk = Chunk(number=3, start=max(0, len(half) - 380), end=min(len(page.text), len(half) + 420))
    return msgspec.structs.replace(make_hit(page), chunk=chunk)


@pytest.mark.parametrize("length", [900, 3_000, 10_000, 1_000_000])
@pytest.mark.parametrize("budget", [200, 500, 2000])
@pytest.mark.parametrize("filler", ["so it went on ", "\u5c31\u8fd9\u6837"])
def test_of_a_long_turn_the_best_passage_is_quoted(length: int, budget: int, filler: str) -> None:
    hit = long_hit(length, filler=filler)
    chosen = pack([hit], [], budget_tokens=budget - frame_tokens(), cost=line_tokens)
    block = render_block(chosen)
    assert "key is under the blue pot" in block
    assert estimate_tokens(block) <= budget
    if length >= 10_000:
        assert chosen[0].text.startswith("\u2026 ")
        assert chosen[0].text.endswith(" \u2026")


def test_a_long_turn_leaves_half_of_the_budget_to_others() -> None:
    short = make_page("a short one", event="e2", timestamp=after(1))
    long, last = pack([long_hit(7_000), make_hit(short)], [], budget_tokens=2000, cost=line_tokens)
    assert last == short
    assert 900 < line_tokens(long) <= 1000


def test_a_turn_of_one_passage_is_never_cut_for_the_sake_of_others() -> None:
    page, other = make_page("tea " * 150, event="e1"), make_page("milk " * 150, event="e2")
    assert fit_to_budget(hits([page, other]), budget_tokens=200, cost=line_tokens) == [page]


def test_an_excerpt_is_the_same_again_by_its_span() -> None:
    hit = long_hit(10_000)
    (part,) = fit_to_budget([hit], budget_tokens=300, cost=line_tokens)
    assert isinstance(part, Excerpt)
    assert excerpt(hit.page, part.span) == part
    assert hit.page.text[slice(*part.span)] == part.text.strip("\u2026 ")


def test_a_fact_stays_beside_an_excerpt_of_the_page_that_tells_it() -> None:
    hit = long_hit(10_000)
    fact = make_fact("Ana likes tea", source="e1")
    assert pack([hit], [known(fact)], budget_tokens=300, cost=line_tokens)[0] == fact
