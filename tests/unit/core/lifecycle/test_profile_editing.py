"""What a person writes into the profile ends what was learnt of the same, and gives way to it when it is taken out."""

from typing import Any

import msgspec
import pytest

from memoryos_core.consolidation.facts import KnownFact
from memoryos_core.consolidation.profile import ProfileEntry
from memoryos_core.lifecycle.profile_editing import ProfileEditing
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.errors import VersionConflict
from memoryos_ports.ids import MemoryId
from tests.support.lifecycle import MemoryLife
from tests.support.makers import ANA, NOON, make_event

LEARNT = KnownFact(
    id=MemoryId("0191a1c0-0000-8000-8000-000000000001"),
    scope=ANA,
    text="I live in Porto",
    slot="location",
    value="Porto",
    valid_from=NOON,
    confirmed_at=NOON,
    recorded_at=NOON,
    sources=make_event("e1", "I live in Porto").memory_ids,
)


def make_entry(**changes: Any) -> ProfileEntry:
    """Return an entry that a person wrote."""
    entry = ProfileEntry(slot="location", value="Lisbon", text="lives in Lisbon", updated_at=NOON)
    return msgspec.structs.replace(entry, **changes)


async def write(life: MemoryLife, *entries: ProfileEntry) -> list[KnownFact]:
    """Write the profile over what it is now; return the facts, oldest first."""
    _, version = await life.services.profile().read(ANA)
    await life.services.profile_editing().write(ANA, entries, version)
    return sorted(await life.services.fact_store().all(ANA), key=lambda fact: (fact.valid_from, fact.id))


async def test_what_was_learnt_of_a_slot_of_one_value_ends_and_holds_again_afterwards(life: MemoryLife) -> None:
    await life.services.fact_store().put(ANA, [LEARNT])
    learnt, written = await write(life, make_entry())
    assert (learnt.valid_to, learnt.superseded_by) == (written.valid_from, written.id)
    assert (written.value, written.pinned, written.valid_to) == ("Lisbon", True, None)
    assert await write(life) == [LEARNT]


@pytest.mark.parametrize("changes", [{"slot": "likes"}, {"slot": "hobby"}, {"speaker": "Bob"}])
async def test_what_was_learnt_of_anything_else_holds(changes: dict[str, Any], life: MemoryLife) -> None:
    await life.services.fact_store().put(ANA, [LEARNT])
    learnt, _ = await write(life, make_entry(**changes))
    assert learnt == LEARNT


async def test_a_fact_with_sources_of_its_own_stays_when_its_entry_goes(life: MemoryLife) -> None:
    await life.services.fact_store().put(ANA, [LEARNT])
    assert await write(life, make_entry(fact_id=LEARNT.id, text="lives in Porto")) == [LEARNT]
    assert await write(life) == [LEARNT]


async def test_an_entry_that_sounds_sensitive_is_a_sensitive_fact(life: MemoryLife) -> None:
    services = life.services
    editing = ProfileEditing(
        profile=services.profile(),
        facts=services.fact_store(),
        derivatives=services.derivatives(),
        refusals=services.refusals(),
        gate=services.gate(),
        locks=services.learning_locks(),
        clock=life.stack.clock,
        rules=SensitiveRules(["lisbon"]),
    )
    await editing.write(ANA, [make_entry()], 0)
    assert [fact.sensitive for fact in await services.fact_store().all(ANA)] == [True]


async def test_a_late_edit_changes_nothing(life: MemoryLife) -> None:
    facts = await write(life, make_entry())
    with pytest.raises(VersionConflict):
        await life.services.profile_editing().write(ANA, [make_entry(text="lives in Rome")], 0)
    assert await life.services.fact_store().all(ANA) == facts
