"""POST /v1/memory/search: by meaning and by words, within what was asked for."""

import math
from typing import Any

import pytest

from memoryos_core.ranking.weights import MIDPOINT, WEIGHTS
from tests.service.memory.api import MemoryApi, error_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_hit_has_the_shape_of_the_contract(memory: MemoryApi) -> None:
    added = await memory.add(
        "I drink green tea", name="Ana", session_id="s-1", timestamp="2026-03-01T10:00:00Z", metadata={"k": 1}
    )

    (hit,) = await memory.search("green tea")

    assert 0 < hit.pop("score") <= 1
    assert hit == {
        "id": added["memory_ids"][0],
        "event_id": added["event_id"],
        "kind": "page",
        "text": "I drink green tea",
        "chunk": "I drink green tea",
        "role": "user",
        "name": "Ana",
        "session_id": "s-1",
        "timestamp": "2026-03-01T10:00:00Z",
        "metadata": {"k": 1},
    }


async def test_hits_are_distinct_and_come_best_first(memory: MemoryApi) -> None:
    for text in ("green tea in the morning", "tea", "the weather is fine", " ".join(["green tea"] * 500)):
        await memory.add(text)

    hits = await memory.search("green tea in the morning")

    scores = [hit["score"] for hit in hits]
    assert hits[0]["text"] == "green tea in the morning"
    assert scores == sorted(scores, reverse=True)
    assert len({hit["id"] for hit in hits}) == len(hits) == 4


async def test_a_page_that_only_shares_a_rare_word_can_win(memory: MemoryApi) -> None:
    for number in range(20):
        await memory.add(f"we talked about the garden, the weather and the number {number}")
    await memory.add("reference QX7741 was paid")

    hits = await memory.search("QX7741")

    assert hits[0]["text"] == "reference QX7741 was paid"


async def test_the_speaker_s_name_is_findable(memory: MemoryApi) -> None:
    await memory.add("I moved to Lisbon", name="Ana")
    await memory.add("I moved to Oslo", name="Ben")

    assert (await memory.search("where did Ben move?"))[0]["text"] == "I moved to Oslo"


async def test_explain_gives_the_parts_of_the_score(memory: MemoryApi) -> None:
    await memory.add("green tea")

    (explained,), (plain,) = await memory.search("tea", explain=True), await memory.search("tea")

    assert set(explained["explain"]) == set(WEIGHTS)
    assert explained["score"] == pytest.approx(1 / (1 + math.exp(MIDPOINT - sum(explained["explain"].values()))))
    assert "explain" not in plain


async def test_a_long_turn_is_one_hit_whose_chunk_is_its_best_stretch(memory: MemoryApi) -> None:
    filler = "the meeting went on about budgets and plans for the coming year. " * 60
    await memory.add(f"{filler} the zebra escaped from the zoo. {filler}")

    (hit,) = await memory.search("which zebra escaped from the zoo")

    assert "zebra" in hit["chunk"]
    assert hit["chunk"] in hit["text"]
    assert len(hit["chunk"]) < len(hit["text"])


@pytest.mark.parametrize("limit", [1, 2, 200])
async def test_no_more_hits_than_asked_for(memory: MemoryApi, limit: int) -> None:
    await memory.add(messages=[{"role": "user", "content": f"tea number {number}"} for number in range(5)])

    assert len(await memory.search("tea", limit=limit)) == min(limit, 5)


async def test_ten_hits_are_the_default(memory: MemoryApi) -> None:
    await memory.add(messages=[{"role": "user", "content": f"tea number {number}"} for number in range(12)])

    assert len(await memory.search("tea")) == 10


async def test_a_session_and_an_agent_narrow_the_search(memory: MemoryApi) -> None:
    await memory.add("tea here", session_id="s-1", agent_id="a-1")
    await memory.add("tea there", session_id="s-2", agent_id="a-1")
    await memory.add("tea nowhere")

    assert [hit["text"] for hit in await memory.search("tea", session_id="s-1")] == ["tea here"]
    assert {hit["text"] for hit in await memory.search("tea", agent_id="a-1")} == {"tea here", "tea there"}
    assert len(await memory.search("tea")) == 3


async def test_as_of_leaves_out_what_was_said_later(memory: MemoryApi) -> None:
    await memory.add("tea in march", timestamp="2026-03-01T10:00:00Z")
    await memory.add("tea in april", timestamp="2026-04-01T10:00:00Z")

    assert [hit["text"] for hit in await memory.search("tea", as_of="2026-03-01T10:00:00")] == ["tea in march"]
    assert await memory.search("tea", as_of="2026-03-01T11:59:59+02:00") == []
    assert len(await memory.search("tea", as_of="2026-04-01T10:00:00Z", asked_at="2026-05-01T00:00:00Z")) == 2


@pytest.mark.parametrize(("kinds", "found"), [(None, 1), (["page"], 1), (["page", "fact"], 1), (["segment"], 0)])
async def test_kinds_choose_what_is_searched(memory: MemoryApi, kinds: list[str] | None, found: int) -> None:
    await memory.add("tea")

    assert len(await memory.search("tea", kinds=kinds)) == found


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"green tea", "black tea"}),
        ({"role": "user"}, {"green tea"}),
        ({"NOT": {"role": "user"}}, {"black tea"}),
        ({"metadata": {"cups": {"gte": 2, "lte": 3}}}, {"black tea"}),
        ({"OR": [{"session_id": "s-1"}, {"cups": {"in": [3]}}]}, {"green tea", "black tea"}),
        ({"AND": [{"session_id": "s-1"}, {"cups": 3}]}, set()),
        ({"timestamp": {"lt": "2026-03-02T00:00:00Z"}}, {"green tea"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else " and ".join(sorted(value)),
)
async def test_filters_narrow_a_search(memory: MemoryApi, filters: dict[str, Any], found: set[str]) -> None:
    await memory.add("green tea", session_id="s-1", timestamp="2026-03-01T10:00:00Z", metadata={"cups": 1})
    await memory.add("black tea", role="assistant", timestamp="2026-03-02T10:00:00Z", metadata={"cups": 3})

    assert {hit["text"] for hit in await memory.search("tea", filters=filters)} == found


async def test_filters_that_cannot_be_read_are_refused(memory: MemoryApi) -> None:
    error = error_of(await memory.post_search("tea", filters=["role"]), 400)

    assert error["param"] == "filters"


async def test_an_unknown_user_has_no_memories(memory: MemoryApi) -> None:
    assert await memory.search("tea") == []
    assert await memory.list_page() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("query", ["?!", "💬", "the", "a" * 32_768, "\x00", "*:* OR 1=1"])
async def test_a_query_without_findable_words_is_answered_all_the_same(memory: MemoryApi, query: str) -> None:
    await memory.add("tea")

    assert len(await memory.search(query)) == 1
