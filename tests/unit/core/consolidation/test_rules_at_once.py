"""What rules can tell of a page is known when the page is sorted, whatever its segment's heat; and told once."""

import pytest

from memoryos_core.consolidation.assembly import ConsolidationPolicy
from memoryos_ports.ids import AgentId
from tests.support.consolidation import TALK, consolidate, consolidating, current, facts, say, segments
from tests.support.extractions import finds, learner_with, scripted, states
from tests.support.makers import ANA

PAPER = ConsolidationPolicy()
COLD = ConsolidationPolicy(heat_threshold=100.0)
TOPICS = (
    "My name is Anna.",
    "how do tides work",
    "I am allergic to walnuts.",
    "a chess opening for beginners",
    "the train to the coast was late",
    "what is a monad",
    "paint for a wooden fence",
    "the best soup in winter",
    "my printer makes odd noises",
)


@pytest.mark.parametrize("has_model", [False, True])
async def test_what_is_said_once_among_other_topics_is_known(has_model: bool) -> None:
    llm = scripted(finds())
    async with consolidating(PAPER, learner=learner_with(llm) if has_model else None) as stack:
        await say(stack, *TOPICS)
        await consolidate(stack)
        assert (await current(stack, "name"), await current(stack, "allergy")) == (["Anna"], ["walnuts"])
        profile, _ = await stack.consolidation.profile.read(ANA)
        assert {entry.slot for entry in profile.entries} == {"name", "allergy"}
        assert llm.requests == []


async def test_pages_wait_for_heat_as_before() -> None:
    async with consolidating(COLD) as stack:
        pages = await say(stack, "I live in Lisbon.")
        await consolidate(stack)
        assert [segment.pending for segment in await segments(stack)] == [tuple(pages)]


async def test_promotion_tells_nothing_that_rules_told_already() -> None:
    async with consolidating(COLD) as stack:
        (page,) = await say(stack, "I live in Lisbon.")
        await consolidate(stack)
        before = await facts(stack)
        for _ in range(100):
            stack.consolidation.visits.note(ANA, [page])
        await stack.consolidation.visits.flush()
        await consolidate(stack)
        assert [segment.pending for segment in await segments(stack)] == [()]
        assert await facts(stack) == before


async def test_what_a_model_finds_as_well_is_one_fact() -> None:
    llm = scripted(finds(states(0, "location", "Lisbon", "I live in Lisbon")))
    async with consolidating(learner=learner_with(llm)) as stack:
        await say(stack, f"I live in Lisbon. {TALK[0]}", *TALK[1:])
        await consolidate(stack)
        assert len(llm.requests) == 1
        assert [fact.value for fact in await facts(stack)] == ["Lisbon"]


async def test_a_deleted_fact_stays_deleted_when_its_page_is_read_again() -> None:
    llm = scripted(finds(states(1, "location", "Porto", "I moved to Porto")))
    async with consolidating(COLD, learner=learner_with(llm)) as stack:
        pages = await say(stack, f"I live in Lisbon. {TALK[0]}", f"I moved to Porto. {TALK[1]}", *TALK[2:])
        await consolidate(stack)
        (porto,) = [fact.id for fact in await facts(stack) if fact.value == "Porto"]
        await stack.consolidation.derivatives.forget_facts(ANA, [porto])
        for _ in range(100):
            stack.consolidation.visits.note(ANA, pages)
        await stack.consolidation.visits.flush()
        await consolidate(stack)
        assert len(llm.requests) == 1
        assert await current(stack, "location") == ["Lisbon"]
        profile, _ = await stack.consolidation.profile.read(ANA)
        assert [entry.value for entry in profile.entries] == ["Lisbon"]


async def test_an_edited_page_tells_its_new_text() -> None:
    async with consolidating(COLD) as stack:
        (page,) = await say(stack, "I live in Lisbon.")
        await consolidate(stack)
        await stack.consolidation.derivatives.forget(ANA, [page])
        await consolidate(stack)
        assert await facts(stack) == []
        (told,) = await stack.pages()
        await stack.consolidation.backlog.renew(ANA, page, said_at=told.timestamp)
        await consolidate(stack)
        assert await current(stack, "location") == ["Lisbon"]


STALE = [
    ("location", "I live in Rome.", "I moved from Rome to Berlin.", ["Berlin"]),
    ("location", "I live in Rome.", "I relocated to Paris in May.", ["Paris"]),
    ("employer", "I work for Siemens.", "I quit Siemens and joined Bosch.", ["Bosch"]),
    ("diet", "I'm vegetarian.", "I'm not vegetarian anymore.", []),
    ("likes", "I like coffee.", "I don't like coffee anymore.", []),
    ("dislikes", "I like coffee.", "I don't like coffee anymore.", []),
    ("employer", "我在华为上班。", "我换工作了\uff0c现在在腾讯上班。", ["腾讯"]),
    ("employer", "我在新浪上班。", "我从新浪跳槽到万科了。", ["万科"]),
    ("likes", "我喜欢喝咖啡。", "我不再喝咖啡了。", []),
    ("likes", "我喜欢咖啡。", "我不再喝咖啡了。", []),
]


@pytest.mark.parametrize(("slot", "before", "after", "holds"), STALE)
async def test_what_is_no_longer_so_does_not_hold(slot: str, before: str, after: str, holds: list[str]) -> None:
    async with consolidating(COLD) as stack:
        await say(stack, before)
        await consolidate(stack)
        assert [fact.valid_to for fact in await facts(stack)] == [None]
        await say(stack, after, start=1)
        await consolidate(stack)
        assert await current(stack, slot) == holds


async def test_what_ended_is_told_in_the_words_of_when_it_held() -> None:
    async with consolidating(COLD) as stack:
        pages = await say(stack, "I work for Siemens.", "I no longer work for Siemens.")
        await consolidate(stack)
        (fact,) = await facts(stack)
        assert fact.text == "I work for Siemens"
        assert fact.valid_to is not None
        assert set(fact.sources) == set(pages)


@pytest.mark.parametrize("deleted", [0, 1])
async def test_no_words_of_a_deleted_page_stay_in_a_fact(deleted: int) -> None:
    async with consolidating(COLD) as stack:
        pages = await say(stack, "I work for Siemens.", "I no longer work for Siemens.")
        await consolidate(stack)
        await stack.consolidation.derivatives.forget(ANA, [pages[deleted]])
        (fact,) = await facts(stack)
        assert fact.text == ("I no longer work for Siemens", "I work for Siemens")[deleted]
        assert (fact.valid_to is None) == bool(deleted)


async def test_facts_of_the_user_belong_to_no_agent_and_wishes_to_the_agent_that_heard_them() -> None:
    async with consolidating(COLD) as stack:
        await say(stack, "I live in Lisbon. Please call me Ann.", agent_id="a")
        await consolidate(stack)
        assert {fact.subject: fact.agent_id for fact in await facts(stack)} == {"user": None, "agent": AgentId("a")}
