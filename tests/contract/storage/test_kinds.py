"""Pages, segments and facts: what each keeps, and that none is taken for another."""

from datetime import UTC, datetime, timedelta
from itertools import chain, combinations

import pytest
from msgspec.structs import replace

from memoryos_ports.memory import Memory, MemoryKind, MemoryStorage
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NOON,
    NORTH,
    NORTH_EAST,
    OTHER_ANN,
    UP,
    agent,
    find,
    find_knowledge,
    list_all,
    make_entry,
    make_fact,
    make_page,
    make_query,
    make_segment,
    newest_first,
    scores,
    session,
)

PAGE, SEGMENT, FACT = make_page("e", "green tea"), make_segment("green tea"), make_fact("green tea")
ALL: dict[MemoryKind, Memory] = {"page": PAGE, "segment": SEGMENT, "fact": FACT}
CHOICES = [frozenset(chosen) for chosen in chain.from_iterable(combinations(ALL, size) for size in range(4))]

FULL_FACT = make_fact(
    "Ana has lived in Porto since May",
    subject="agent",
    slot="home",
    value="Porto 波尔图",
    speaker="Ana",
    valid_from=datetime(2025, 5, 1, 0, 0, 0, 1, tzinfo=UTC),
    valid_to=NOON,
    superseded_by=FACT.id,
    sources=(PAGE.id,),
    trust=0.5,
    confidence=0.25,
    session_id=session("s:1"),
    agent_id=agent("a+b"),
    sensitive=True,
    pinned=True,
)
FULL_SEGMENT = make_segment(
    "about tea",
    started_at=NOON - timedelta(days=1),
    accepted_at=NOON + timedelta(microseconds=3),
    last_visit=NOON + timedelta(days=3),
    keywords=("tea", "茶"),
    pages=(PAGE.id, make_page("f").id),
    pending=(PAGE.id,),
    visits=7,
    summarised=2,
    session_id=session("s:1"),
    agent_id=agent("a+b"),
    sensitive=True,
    evicted=True,
)


@pytest.mark.parametrize("full", [FULL_FACT, FULL_SEGMENT], ids=["fact", "segment"])
async def test_every_field_comes_back_as_it_was(memory: MemoryStorage, full: Memory) -> None:
    await memory.put([make_entry(full, NORTH)])

    assert await memory.get(ANN, [full.id]) == [full]
    assert await list_all(memory, limit=1, kind="fact" if full is FULL_FACT else "segment") == [full]
    assert (await find_knowledge(memory, vector=NORTH))[full.text].memory == full


@pytest.mark.parametrize("kinds", CHOICES, ids=lambda kinds: "+".join(sorted(kinds)) or "none")
async def test_a_search_brings_up_the_kinds_asked_for(memory: MemoryStorage, kinds: frozenset[MemoryKind]) -> None:
    await memory.put([make_entry(each, NORTH, NORTH) for each in ALL.values()])

    found = await memory.search(make_query("tea", vector=NORTH, kinds=kinds))

    assert [hit.page for hit in found.pages] == ([PAGE] if "page" in kinds else [])
    knowledge = {hit.memory.id for hit in found.knowledge}
    assert knowledge == {memory.id for kind, memory in ALL.items() if kind in kinds and kind != "page"}


@pytest.mark.parametrize("kind", ALL)
async def test_each_kind_is_listed_and_counted_alone(memory: MemoryStorage, kind: MemoryKind) -> None:
    await memory.put([make_entry(each, NORTH, NORTH) for each in ALL.values()])

    assert await list_all(memory, limit=5, kind=kind) == [ALL[kind]]
    assert await memory.count(ANN, kind=kind) == 1
    await memory.delete(ANN, [ALL[kind].id])
    assert {other: await memory.count(ANN, kind=other) for other in ALL} == {other: int(other != kind) for other in ALL}


@pytest.mark.parametrize("scope", [BOB, OTHER_ANN])
async def test_knowledge_of_another_scope_does_not_exist(memory: MemoryStorage, scope: object) -> None:
    await memory.put([make_entry(SEGMENT, NORTH), make_entry(FACT, NORTH)])

    assert await find_knowledge(memory, "tea", vector=NORTH, scope=scope) == {}
    assert [await memory.count(BOB, kind=kind) for kind in ALL] == [0, 0, 0]


async def test_facts_are_listed_from_the_last_that_began_to_hold(memory: MemoryStorage) -> None:
    facts = [
        make_fact(f"fact {i}", valid_from=NOON + timedelta(days=i // 3), recorded_at=NOON + timedelta(hours=i % 3))
        for i in range(9)
    ]
    await memory.put([make_entry(fact) for fact in facts])

    assert await list_all(memory, limit=2, kind="fact") == newest_first(facts)


async def test_knowledge_of_a_session_is_listed_and_found_alone(memory: MemoryStorage) -> None:
    here, there = make_fact("tea here", session_id=session("s1")), make_fact("tea there", session_id=session("s2"))
    await memory.put([make_entry(here, NORTH), make_entry(there, NORTH)])

    assert await list_all(memory, limit=2, kind="fact", session_id=session("s1")) == [here]
    assert [*await find_knowledge(memory, "tea", vector=NORTH, session_id=session("s1"))] == ["tea here"]


async def test_knowledge_has_the_cosine_of_its_best_chunk_and_its_words(memory: MemoryStorage) -> None:
    near, named = make_fact("walks north"), make_segment("green tea")
    await memory.put([make_entry(near, NORTH), make_entry(named, UP, NORTH_EAST)])

    found = await find_knowledge(memory, "tea", vector=NORTH)

    assert found["walks north"].cosine == pytest.approx(1)
    assert (found["walks north"].words, found["walks north"].bm25) == ({}, 0)
    assert found["green tea"].cosine == pytest.approx(0.6, abs=1e-6)
    assert found["green tea"].bm25 == sum(found["green tea"].words.values()) > 0


async def test_the_knowledge_limit_bounds_each_list_and_leaves_pages_alone(memory: MemoryStorage) -> None:
    facts = [make_entry(make_fact(f"fact {i}"), EAST) for i in range(8)]
    pages = [make_entry(make_page("e", index=i), NORTH) for i in range(8)]
    await memory.put([*facts, *pages, make_entry(make_fact("tea"), UP)])

    query = make_query("tea", vector=EAST, kinds=frozenset({"page", "fact"}), limit=6, knowledge_limit=3)
    found = await memory.search(query)

    assert sorted(hit.bm25 > 0 for hit in found.knowledge) == [False, False, False, True]
    assert 6 <= len(found.pages) <= 8


async def test_one_kind_does_not_change_a_score_of_another(memory: MemoryStorage) -> None:
    pages = [make_page(f"e{i}", text) for i, text in enumerate(["green tea", "black tea", "milk"])]
    await memory.insert([make_entry(page) for page in pages])
    before = await scores(memory, "black tea")

    await memory.put([make_entry(make_fact(f"black night {i}")) for i in range(20)])
    await memory.put([make_entry(make_segment(f"black tea {i}")) for i in range(20)])

    assert await scores(memory, "black tea") == pytest.approx(before)


async def test_what_is_no_page_cannot_be_superseded(memory: MemoryStorage) -> None:
    await memory.put([make_entry(SEGMENT, NORTH), make_entry(FACT, NORTH), make_entry(PAGE, NORTH)])

    await memory.supersede(ANN, [SEGMENT.id, FACT.id, PAGE.id])

    kinds = frozenset[MemoryKind]({"segment", "fact"})
    found = await memory.search(make_query("tea", vector=NORTH, kinds=kinds))
    assert {hit.memory.id for hit in found.knowledge} == {SEGMENT.id, FACT.id}
    assert await memory.get(ANN, [*(each.id for each in ALL.values())]) == [
        replace(PAGE, superseded=True),
        SEGMENT,
        FACT,
    ]
    assert await find(memory, "tea", vector=NORTH) == set()


async def test_an_agent_is_shown_its_own_facts_and_those_of_no_agent(memory: MemoryStorage) -> None:
    facts = [replace(make_fact(f"green tea {name}"), agent_id=agent(name)) for name in ("a", "b")]
    await memory.put([make_entry(fact, NORTH) for fact in (FACT, *facts)])
    query = make_query("green tea", NORTH, kinds=frozenset({"fact"}), agent_id=agent("a"))

    shown = {candidate.memory.id for candidate in (await memory.search(query)).knowledge}

    assert shown == {FACT.id, facts[0].id}
