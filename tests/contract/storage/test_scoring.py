"""Scores: every candidate has its cosine and its words, which add up to BM25, whichever list brought it up."""

import random
from collections.abc import Sequence

import pytest

from memoryos_ports.ids import EventId
from memoryos_ports.memory import Candidate, MemoryQuery, MemoryStorage
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NORTH,
    NORTH_EAST,
    UP,
    candidate_of,
    find_knowledge,
    make_entry,
    make_fact,
    make_page,
    make_query,
    session,
)
from tests.contract.storage.reference import bm25

TEXTS = {
    "several terms": ["tea tea cup", "cup saucer", "milk", "tea", "green tea in a cup of tea"],
    "always together": ["salt pepper", "salt pepper salt pepper", "pepper salt soup", "soup", "bread"],
    "together at one rate": ["salt pepper"] * 3 + ["bread"] * 2,
    "one text": ["salt pepper bread"],
    "none of it": ["milk", "water"],
    "everywhere": ["tea milk", "tea water", "tea bread"],
    "no words among them": ["tea", "!?", "", "milk"],
    "long and short": ["tea " * 300, "tea", "tea milk " * 20, "water " * 50],
    "Chinese": ["我喜欢绿茶", "绿茶很好喝", "她喜欢咖啡", "天气"],
}
QUESTION = "Which tea, cup or milk? Salt and pepper, salt! No unicorn. 喜欢绿茶吗"


async def candidates(memory: MemoryStorage, query: MemoryQuery) -> dict[EventId, Candidate]:
    """Return what a query brings up by its event."""
    return {candidate.page.event_id: candidate for candidate in (await memory.search(query)).pages}


def parts(candidate: Candidate) -> list[float]:
    """Return what the words of a candidate add, the smallest first: which words they are is not told."""
    return sorted(candidate.words.values())


@pytest.mark.parametrize("texts", TEXTS.values(), ids=[*TEXTS])
async def test_each_word_adds_its_part_of_bm25(memory: MemoryStorage, texts: list[str]) -> None:
    await memory.insert([make_entry(make_page(f"e{i}", text), NORTH) for i, text in enumerate(texts)])

    found = await candidates(memory, make_query(QUESTION, vector=NORTH))

    assert len(found) == len(texts)
    for i, expected in enumerate(bm25(QUESTION, texts)):
        assert parts(found[EventId(f"e{i}")]) == pytest.approx(sorted(expected.values()), rel=1e-4)
        assert found[EventId(f"e{i}")].bm25 == pytest.approx(sum(expected.values()), rel=1e-5)


async def test_the_same_word_has_the_same_number_in_one_answer(memory: MemoryStorage) -> None:
    texts = ["tea", "tea milk", "milk", "tea milk bread"]
    await memory.insert([make_entry(make_page(f"e{i}", text)) for i, text in enumerate(texts)])

    found = await candidates(memory, make_query("bread with milk and tea"))

    (tea,), (milk,) = found[EventId("e0")].words, found[EventId("e2")].words
    assert tea != milk
    assert found[EventId("e1")].words.keys() == {tea, milk}
    assert found[EventId("e3")].words.keys() > {tea, milk}


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_scores_are_right_however_few_the_lists_hold(memory: MemoryStorage, limit: int) -> None:
    """Of a common word no page may be among the best: what it adds to a page that the vector brought up is known."""
    chance = random.Random(7)
    words = [f"w{number}" for number in range(12)]
    texts = [" ".join(chance.choices(words, weights=range(1, 13), k=chance.randint(1, 9))) for _ in range(60)]
    vectors = [[chance.gauss(0, 1) for _ in range(4)] for _ in texts]
    pages = [make_page("e", text, index=i) for i, text in enumerate(texts)]
    await memory.insert([make_entry(page, vector) for page, vector in zip(pages, vectors, strict=True)])
    question = " ".join(words)

    found = (await memory.search(make_query(question, vector=NORTH, limit=limit))).pages

    expected = bm25(question, texts)
    assert len(found) >= limit or len(found) == len(texts)
    for candidate in found:
        assert parts(candidate) == pytest.approx(sorted(expected[candidate.page.index].values()), rel=1e-4)


async def test_a_question_of_64_words_is_scored_in_full(memory: MemoryStorage) -> None:
    texts = [" ".join(f"w{number}" for number in range(start, start + 40)) for start in range(0, 400, 20)]
    await memory.insert([make_entry(make_page(f"e{i}", text), NORTH) for i, text in enumerate(texts)])
    question = " ".join(f"w{number}" for number in range(30, 94))

    found = await candidates(memory, make_query(question, vector=NORTH, limit=50))

    for i, expected in enumerate(bm25(question, texts)):
        assert found[EventId(f"e{i}")].bm25 == pytest.approx(sum(expected.values()), rel=1e-5)


async def test_further_chunks_change_no_score_by_words(memory: MemoryStorage) -> None:
    texts = ["green tea", "tea and milk", "bread"]
    await memory.insert([make_entry(make_page(f"e{i}", t), *[UP] * 9, EAST) for i, t in enumerate(texts)])

    found = await candidates(memory, make_query("tea milk", vector=EAST))

    assert [found[EventId(f"e{i}")].bm25 for i in range(3)] == pytest.approx(
        [sum(expected.values()) for expected in bm25("tea milk", texts)], rel=1e-5
    )


async def test_both_figures_are_known_whichever_list_brought_a_page_up(memory: MemoryStorage) -> None:
    near, named = make_page("near", "cup of tea"), make_page("named", "tea tea tea tea")
    await memory.insert([make_entry(near, NORTH), make_entry(named, UP, NORTH_EAST), make_entry(make_page("x"), EAST)])

    narrow = await candidates(memory, make_query("tea", vector=NORTH, limit=1))

    assert narrow.keys() == {"near", "named"}
    everything = await candidates(memory, make_query("tea", vector=NORTH, limit=10))
    for event, candidate in narrow.items():
        assert candidate.bm25 == pytest.approx(everything[event].bm25)
        assert candidate.bm25 > 0
        assert candidate.chunk == everything[event].chunk
        assert candidate.cosine == pytest.approx(everything[event].cosine)
    assert narrow[named.event_id].cosine == pytest.approx(0.6, abs=1e-6)
    assert narrow[named.event_id].chunk.number == 1


@pytest.mark.parametrize(
    ("asked", "cosine", "has_words"),
    [
        (make_query("tea"), None, True),
        (make_query(vector=NORTH), 1, False),
        (make_query("milk", vector=NORTH), 1, False),
        (make_query("tea", vector=NORTH), 1, True),
    ],
    ids=["words alone", "vector alone", "other words", "both"],
)
async def test_what_was_not_asked_for_is_not_scored(
    memory: MemoryStorage, asked: MemoryQuery, cosine: float | None, has_words: bool
) -> None:
    page = make_page("e", "tea")
    await memory.insert([make_entry(page, NORTH), make_entry(make_page("milk", "milk"))])

    found = await candidate_of(memory, page, asked)

    assert found.cosine == (None if cosine is None else pytest.approx(cosine))
    assert bool(found.words) is has_words
    assert (found.bm25 > 0) is has_words


@pytest.mark.parametrize("narrow", [{"session_id": session("s")}, {"limit": 1}, {"neighbours": 5}], ids=str)
async def test_the_statistics_are_those_of_the_whole_scope(memory: MemoryStorage, narrow: dict[str, object]) -> None:
    texts = ["tea", "tea milk", "milk bread", "tea bread bread"]
    pages = [make_page(f"e{i}", t, session_id=session("s") if i == 3 else None) for i, t in enumerate(texts)]
    await memory.insert([make_entry(page, NORTH if page is pages[3] else UP) for page in pages])
    await memory.insert([make_entry(make_page(f"b{i}", "bread", scope=BOB), NORTH) for i in range(9)])
    await memory.put([make_entry(make_fact(f"bread {i}"), NORTH) for i in range(9)])

    found = await candidate_of(memory, pages[3], make_query("bread tea", vector=NORTH, **narrow))

    assert parts(found) == pytest.approx(sorted(bm25("bread tea", texts)[3].values()), rel=1e-4)


async def test_knowledge_is_scored_among_its_kind(memory: MemoryStorage) -> None:
    texts = ["likes green tea", "likes coffee", "lives in Porto"]
    await memory.put([make_entry(make_fact(text), UP) for text in texts])
    await memory.insert([make_entry(make_page(f"e{i}", "likes tea")) for i in range(9)])

    found = await find_knowledge(memory, "who likes tea", vector=NORTH)

    expected = dict(zip(texts, bm25("who likes tea", texts), strict=True))
    assert found.keys() == expected.keys()
    for text, candidate in found.items():
        assert sorted(candidate.words.values()) == pytest.approx(sorted(expected[text].values()), rel=1e-4)
        assert candidate.cosine == pytest.approx(0)


async def test_superseded_and_deleted_pages_do_not_count(memory: MemoryStorage) -> None:
    kept: Sequence[str] = ["tea", "tea milk", "bread"]
    await memory.insert([make_entry(make_page(f"e{i}", text)) for i, text in enumerate(kept)])
    gone = [make_page(f"gone{i}", "tea") for i in range(6)]
    await memory.insert([make_entry(page) for page in gone])

    await memory.supersede(ANN, [page.id for page in gone[:3]])
    await memory.delete(ANN, [page.id for page in gone[3:]])

    found = await candidates(memory, make_query("tea milk"))
    expected = bm25("tea milk", [*kept])
    assert [found[EventId(f"e{i}")].bm25 for i in (0, 1)] == pytest.approx([sum(expected[i].values()) for i in (0, 1)])
