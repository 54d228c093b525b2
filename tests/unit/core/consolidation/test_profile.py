"""The profile: made of facts, edited by people, and never lost to a store that fails."""

import msgspec
import pytest

from memoryos_core.consolidation.profile import Profile, ProfileEntry
from memoryos_ports.errors import UpstreamUnavailable, VersionConflict
from tests.support.consolidation import consolidate, consolidating, facts, say
from tests.support.makers import ANA, BOB, after
from tests.support.memory_stack import MemoryStack

NICK = ProfileEntry(slot="name", value="Annie", text="call me Annie", updated_at=after(0))


async def test_an_entry_tells_where_it_comes_from() -> None:
    async with consolidating() as stack:
        (page,) = await say(stack, "I live in Lisbon.")
        await consolidate(stack)
        (fact,) = await facts(stack)
        profile, version = await stack.consolidation.profile.read(ANA)
        (entry,) = profile.entries
        assert (entry.slot, entry.value, entry.sources, entry.fact_id) == ("location", "Lisbon", (page,), fact.id)
        assert (entry.pinned, version) == (False, 1)
        assert await stack.consolidation.profile.read(BOB) == (Profile(), 0)


@pytest.mark.parametrize(("store", "method"), [("documents", "get"), ("documents", "update"), ("storage", "*")])
async def test_a_failed_read_never_wipes_the_profile(store: str, method: str) -> None:
    """The predecessor took a read that failed for an empty profile, and saved that."""
    async with consolidating() as stack:
        await say(stack, "I live in Lisbon.", "I like green tea.")
        await consolidate(stack)
        before = await stack.consolidation.profile.read(ANA)
        await say(stack, "my name is Ana.", start=2)
        getattr(stack.faults, store).fail(method)
        await consolidate(stack)
        getattr(stack.faults, store).mend()
        assert await stack.consolidation.profile.read(ANA) == before
        await consolidate(stack, wait_s=3601)
        profile, _ = await stack.consolidation.profile.read(ANA)
        assert {entry.slot for entry in profile.entries} == {"location", "likes", "name"}


async def test_facts_that_cannot_be_read_are_not_taken_for_none() -> None:
    async with consolidating() as stack:
        (page, _) = await say(stack, "I live in Lisbon.", "I like green tea.")
        await consolidate(stack)
        before = await stack.consolidation.profile.read(ANA)
        stack.faults.storage.fail("list_memories")
        with pytest.raises(UpstreamUnavailable):
            await stack.consolidation.derivatives.forget(ANA, [page])
        assert await stack.consolidation.profile.read(ANA) == before


async def test_a_profile_that_cannot_be_read_is_not_replaced(stack: MemoryStack) -> None:
    await stack.consolidation.profile.write(ANA, [NICK], 0)
    stack.faults.documents.fail("get")
    await stack.consolidation.profile.refresh(ANA, [])
    stack.faults.documents.mend()
    profile, _ = await stack.consolidation.profile.read(ANA)
    assert [entry.value for entry in profile.entries] == ["Annie"]


async def test_a_read_that_fails_is_told_rather_than_empty(stack: MemoryStack) -> None:
    stack.faults.documents.fail("get")
    with pytest.raises(UpstreamUnavailable):
        await stack.consolidation.profile.read(ANA)


async def test_what_a_person_edited_is_pinned_and_stays() -> None:
    async with consolidating() as stack:
        await say(stack, "I live in Lisbon.", "my name is Ana.")
        await consolidate(stack)
        profile, version = await stack.consolidation.profile.read(ANA)
        kept = [entry for entry in profile.entries if entry.slot == "location"]
        await stack.consolidation.profile.write(ANA, [*kept, NICK], version)
        await say(stack, "my name is Anastasia.", "I moved to Porto.", start=2)
        await consolidate(stack)
        edited, _ = await stack.consolidation.profile.read(ANA)
        assert [(e.slot, e.value, e.pinned) for e in edited.entries] == [
            ("name", "Annie", True),
            ("location", "Porto", False),
        ]


async def test_what_a_person_took_out_does_not_come_back() -> None:
    async with consolidating() as stack:
        await say(stack, "I like green tea.", "I live in Lisbon.")
        await consolidate(stack)
        profile, version = await stack.consolidation.profile.read(ANA)
        await stack.consolidation.profile.write(ANA, [e for e in profile.entries if e.slot == "location"], version)
        await say(stack, "I live in Lisbon.", start=2)
        await consolidate(stack)
        left, _ = await stack.consolidation.profile.read(ANA)
        assert [entry.slot for entry in left.entries] == ["location"]


@pytest.mark.parametrize("version", [0, 7])
async def test_an_edit_of_another_version_is_refused(version: int, stack: MemoryStack) -> None:
    await stack.consolidation.profile.write(ANA, [NICK], 0)
    before = await stack.consolidation.profile.read(ANA)
    with pytest.raises(VersionConflict):
        await stack.consolidation.profile.write(ANA, [msgspec.structs.replace(NICK, value="X")], version)
    assert await stack.consolidation.profile.read(ANA) == before
