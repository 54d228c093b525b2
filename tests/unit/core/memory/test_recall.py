"""Recall on real stores: one's own words at once, nobody else's ever, and what is left when a store fails."""

from collections.abc import Sequence

import msgspec
import pytest

from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_core.memory.indexing import Indexer
from memoryos_core.memory.recall import KNOWLEDGE, QUESTION_CHARS, Question, Recall
from memoryos_core.ranking.passage import PASSAGE_CHARS
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.errors import EmbedderMismatch, UpstreamUnavailable
from memoryos_ports.filters import Condition
from memoryos_ports.ids import AgentId, SessionId
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import MemoryKind
from tests.support.makers import ANA, BOB, OTHER_ANA, after, make_event, make_fact, make_page, make_question, make_turn
from tests.support.memory_stack import MemoryStack, fast_directory

PATIENCE_S = 10.0
TEA = make_question("which tea")


async def test_accepted_turns_are_found_at_once_whatever_the_session(stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e1", "my tea is green", session_id="s1"))
    await stack.ingest.accept(make_event("e2", "your tea is black"))
    assert await stack.found("which tea") == {"my tea is green", "your tea is black"}
    await stack.settle()
    assert await stack.found("which tea") == {"my tea is green", "your tea is black"}


async def test_a_page_that_is_indexed_but_not_marked_yet_comes_once(stack: MemoryStack) -> None:
    stack.faults.short_term.fail("mark_indexed")
    with pytest.raises(UpstreamUnavailable):
        await stack.ingest.apply(make_event("e1", "my tea is green"))
    (hit,) = (await stack.recall.search(TEA)).hits
    assert hit.page.text == "my tea is green"


async def test_other_users_and_tenants_are_never_found(stack: MemoryStack) -> None:
    for scope in (BOB, OTHER_ANA):
        await stack.ingest_text("tea of an applied turn", scope=scope)
        await stack.ingest.accept(make_event("queued", "tea of a queued turn", scope=scope))
    assert (await stack.recall.search(TEA)).hits == []
    assert len(await stack.found("which tea", BOB)) == 2


@pytest.mark.parametrize("applied", [True, False])
async def test_a_question_keeps_to_its_session_agent_and_time(applied: bool, stack: MemoryStack) -> None:
    first = make_event("e1", "early tea", session_id="s1", agent_id="a1")
    await stack.ingest.accept(first)
    await stack.ingest.accept(make_event("e2", make_turn("late tea", at=after(60)), session_id="s2", agent_id="a2"))
    if applied:
        await stack.settle()
    for question in (
        make_question("tea", session_id=SessionId("s1")),
        make_question("tea", agent_id=AgentId("a1")),
        make_question("tea", until=after(59)),
    ):
        assert [hit.page.text for hit in (await stack.recall.search(question)).hits] == ["early tea"]
    assert len((await stack.recall.search(make_question("tea", until=after(60)))).hits) == 2


async def test_more_fresh_turns_than_are_embedded_are_found_by_words(stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e0", "oolong from Fujian"))
    for number in range(12):
        await stack.ingest.accept(make_event(f"e{number + 1}", f"chatter {number}", at=after(number + 1)))
    best, *_ = (await stack.recall.search(make_question("where is the oolong from"))).hits
    assert best.page.text == "oolong from Fujian"


@pytest.mark.parametrize("in_time", [False, True])
async def test_without_the_index_the_newest_turns_that_share_words_are_found(in_time: bool, stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e0", "my tea was black", session_id="s1"))
    await stack.settle()
    await stack.ingest.accept(make_event("e1", "my tea is green"))
    await stack.ingest.accept(make_event("e2", "the weather is fine"))
    stack.faults.storage.fail("*")
    found = stack.recall.search_or_degrade(TEA, timeout_s=PATIENCE_S) if in_time else stack.recall.search(TEA)
    recalled = await found
    assert recalled.degraded
    assert {hit.page.text for hit in recalled.hits} == {"my tea was black", "my tea is green"}


async def test_without_the_index_no_more_is_found_than_is_asked_for(stack: MemoryStack) -> None:
    await stack.handlers.apply(make_event("e1", *(f"tea {number}" for number in range(9))))
    stack.faults.storage.fail("*")
    assert len((await stack.recall.search(make_question("tea", limit=4))).hits) == 4


@pytest.mark.parametrize(
    "question",
    [
        make_question("tea", session_id=SessionId("s1")),
        make_question("tea", agent_id=AgentId("a1")),
        make_question("tea", until=after(59)),
        make_question("tea", filters=Condition(field="metadata.topic", op="eq", value="tea")),
    ],
    ids=["session", "agent", "time", "filter"],
)
async def test_without_the_index_a_question_keeps_to_what_it_names(question: Question, stack: MemoryStack) -> None:
    first = make_event("e1", "early tea", session_id="s1", agent_id="a1", metadata={"topic": "tea"})
    await stack.handlers.apply(first)
    await stack.handlers.apply(
        make_event("e2", make_turn("late tea", at=after(60)), session_id="s2", agent_id="a2", metadata={"topic": "no"})
    )
    stack.faults.storage.fail("*")
    assert [hit.page.text for hit in (await stack.recall.search(question)).hits] == ["early tea"]


async def test_without_the_index_nothing_hidden_or_deleted_and_nobody_elses_is_found(stack: MemoryStack) -> None:
    await stack.handlers.apply(make_event("e1", "my tea is green"))
    superseded, deleted, quarantined = (
        msgspec.structs.replace(make_page("hidden tea", event=name), quarantined=name == "q") for name in "sdq"
    )
    await stack.short_term.append([superseded, deleted, quarantined], indexed=True)
    await stack.supersession.apply(ANA, superseded=[superseded.id], inserted=[])
    await stack.library.remove(ANA, [deleted])
    for scope in (BOB, OTHER_ANA):
        await stack.ingest_text("tea of somebody else", scope=scope)
    stack.faults.storage.fail("*")
    assert [hit.page.text for hit in (await stack.recall.search(TEA)).hits] == ["my tea is green"]


async def test_without_the_index_knowledge_alone_cannot_be_searched(stack: MemoryStack) -> None:
    stack.faults.storage.fail("*")
    question = make_question("tea", kinds=frozenset({"fact", "segment"}))
    with pytest.raises(UpstreamUnavailable):
        await stack.recall.search(question)
    recalled = await stack.recall.search_or_degrade(question, timeout_s=PATIENCE_S)
    assert (recalled.hits, recalled.degraded) == ([], True)


async def test_search_raises_when_neither_store_answers(stack: MemoryStack) -> None:
    stack.faults.storage.fail("search")
    stack.faults.short_term.fail("latest")
    with pytest.raises(UpstreamUnavailable):
        await stack.recall.search(TEA)


async def test_while_the_index_answers_the_newest_turns_are_not_asked_for(stack: MemoryStack) -> None:
    await stack.ingest_text("my tea is green")
    stack.faults.short_term.fail("latest")
    assert len((await stack.recall.search(TEA)).hits) == 1


@pytest.mark.parametrize("in_time", [False, True])
async def test_without_the_embedder_the_index_is_asked_by_words(in_time: bool, stack: MemoryStack) -> None:
    await stack.ingest_text("my tea was black")
    await stack.ingest_text("the weather is fine")
    await stack.ingest.accept(make_event("e1", "my tea is green"))
    stack.faults.embedder.fail("*")
    found = stack.recall.search_or_degrade(TEA, timeout_s=PATIENCE_S) if in_time else stack.recall.search(TEA)
    recalled = await found
    assert recalled.degraded
    assert {hit.page.text for hit in recalled.hits if hit.bm25} == {"my tea was black", "my tea is green"}
    assert "weather" not in recalled.hits[0].page.text


async def test_an_embedder_that_hangs_leaves_time_for_the_index(stack: MemoryStack) -> None:
    await stack.ingest_text("my tea was black")
    stack.faults.embedder.hang("embed")
    recalled = await stack.recall.search_or_degrade(TEA, timeout_s=0.5)
    assert ([hit.page.text for hit in recalled.hits], recalled.degraded) == (["my tea was black"], True)


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("place", [0, 500_000, 1_000_000])
async def test_the_right_passage_of_a_very_long_turn_is_found(place: int, applied: bool, stack: MemoryStack) -> None:
    filler = "the weather was fine and the day went on "
    before = filler * (place // len(filler))
    behind = filler * ((1_020_000 - place) // len(filler))
    await stack.ingest.accept(make_event("e1", f"{before}My locker opens with 4471. {behind}"))
    if applied:
        await stack.settle()
    (hit,) = (await stack.recall.search(make_question("which number opens my locker"))).hits
    assert "locker opens with 4471" in hit.excerpt
    assert len(hit.excerpt) <= PASSAGE_CHARS


def moved(old: str, new: str) -> tuple[Fact, Fact]:
    """Return two facts of one slot, of which the second has come in the place of the first."""
    berlin = make_fact(new, source="e2", slot="location", valid_from=after(60))
    rome = make_fact(old, source="e1", slot="location", valid_to=after(60))
    return msgspec.structs.replace(rome, superseded_by=berlin.id), berlin


async def test_the_fact_that_holds_is_found_by_the_one_that_has_ended(stack: MemoryStack) -> None:
    """Many others are nearer to the question, but the one that ended names its successor."""
    rome, berlin = moved("the user lives in Rome", "Berlin since spring")
    others = [make_fact(f"Rome likes Rome in Rome {n}", source=f"o{n}") for n in range(KNOWLEDGE)]
    await stack.storage.put(await Indexer(stack.embedder).entries([rome, berlin, *others]))
    kinds: frozenset[MemoryKind] = frozenset({"page", "fact"})
    question = make_question("Is it Rome where the user lives?", kinds=kinds, asked_at=after(99), limit=200)
    found = {hit.memory.id: hit for hit in (await stack.recall.search(question)).knowledge}
    assert rome.id not in found
    assert found[berlin.id].outdated == frozenset(rome.sources)
    then = msgspec.structs.replace(question, until=after(30))
    assert berlin.id not in {hit.memory.id for hit in (await stack.recall.search(then)).knowledge}


@pytest.mark.parametrize("applied", [False, True])
async def test_an_index_that_hangs_leaves_time_for_the_newest_turns(applied: bool, stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e1", "my tea is green"))
    if applied:
        await stack.settle()
    stack.faults.storage.hang("search")
    recalled = await stack.recall.search_or_degrade(TEA, timeout_s=1.0)
    assert ([hit.page.text for hit in recalled.hits], recalled.degraded) == (["my tea is green"], True)


async def test_fresh_turns_are_embedded_one_by_one_beside_the_question(stack: MemoryStack) -> None:
    """A batch would wait behind the batches that are being ingested."""
    seen: list[int] = []

    class Counting:
        stamp = stack.embedder.stamp
        local = True

        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            seen.append(len(texts))
            return await stack.embedder.embed(texts)

    await stack.ingest.accept(make_event("e1", "my tea is green", "and my coffee black"))
    recall = Recall(storage=stack.storage, short_term=stack.short_term, embedder=Counting())
    assert len((await recall.search(TEA)).hits) == 2
    assert seen == [1, 1, 1]


async def test_with_everything_down_nothing_is_found_and_nothing_raised(stack: MemoryStack) -> None:
    stack.faults.short_term.fail("*")
    recalled = await stack.recall.search_or_degrade(TEA, timeout_s=PATIENCE_S)
    assert (recalled.hits, recalled.degraded) == ([], True)


async def test_with_everything_up_nothing_is_degraded(stack: MemoryStack) -> None:
    await stack.ingest_text("my tea is green")
    recalled = await stack.recall.search_or_degrade(TEA, timeout_s=PATIENCE_S)
    assert (len(recalled.hits), recalled.degraded) == (1, False)


async def test_a_speakers_name_makes_a_turn_findable(stack: MemoryStack) -> None:
    turns = [make_turn("I prefer the green one", name="Carla"), make_turn("I prefer the green one", name="Diego")]
    await stack.handlers.apply(make_event("e1", *turns))
    best, *_ = (await stack.recall.search(make_question("what does Diego prefer"))).hits
    assert best.page.name == "Diego"


async def test_defect_hash_vectors_are_never_mixed_with_those_of_another_embedder() -> None:
    """A changed embedder must not make recall silently empty: opening the index with it is a clear error."""
    with fast_directory() as directory:
        async with QdrantEdgeMemory.open(directory, HashedEmbedder().stamp):
            pass
        with pytest.raises(EmbedderMismatch, match="hashed-v1/384"):
            async with QdrantEdgeMemory.open(directory, EmbedderStamp(name="minilm", dimensions=384)):
                pass


class OutsideEmbedder(HashedEmbedder):
    """An embedder that is not ours, and all that it saw."""

    local = False

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Take note of the texts."""
        self.seen += texts
        return await super().embed(texts)


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("is it ana@example.org", ["is it [email]"]),
        ("x" * (QUESTION_CHARS - 4) + " ana@example.org", None),
        ("is it eve@secret.example", []),
    ],
    ids=["redacted", "redacted before it is cut", "sensitive for what is redacted"],
)
async def test_what_is_redacted_of_a_question_is_seen_by_no_embedder(
    asked: str, seen: list[str] | None, stack: MemoryStack
) -> None:
    outside = OutsideEmbedder()
    recall = Recall(
        storage=stack.storage,
        short_term=stack.short_term,
        embedder=outside,
        rules=SensitiveRules(["@secret"]),
        redactor=Redactor(["email"]),
    )
    await recall.search(make_question(asked))
    assert "ana" not in "".join(outside.seen)
    assert seen is None or outside.seen == seen
