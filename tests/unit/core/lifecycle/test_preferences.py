"""`remember: false` is obeyed by everything that writes."""

import pytest

from memoryos_adapters.testing import ScriptedLlm, says
from memoryos_core.lifecycle.preferences import FRESH_S, UserSettings
from memoryos_ports.errors import RememberOff
from tests.support.lifecycle import MemoryLife, other_process
from tests.support.makers import ANA, BOB, make_call, make_event

ON, OFF = UserSettings(remember=True), UserSettings(remember=False)


async def choose(life: MemoryLife, settings: UserSettings) -> None:
    await life.services.preferences().put(ANA, settings)


async def test_an_add_is_refused_and_others_are_served(life: MemoryLife) -> None:
    await choose(life, OFF)
    with pytest.raises(RememberOff):
        await life.services.intake().accept(make_event())
    await life.add(make_event(scope=BOB))
    await choose(life, ON)
    await life.add(make_event(at=life.stack.clock.now()))
    assert len(await life.stack.pages()) == 1


async def test_a_chat_recalls_and_is_not_remembered(life: MemoryLife) -> None:
    await life.add(make_event("e1", "my tea is green"))
    await choose(life, OFF)
    _, report = await life.stack.chat(ScriptedLlm([says("green")])).complete(make_call("which tea is mine? green?"))
    assert (report.prepared.reason, report.event_id) == ("remember_off", None)
    assert len(report.prepared.recalled) == 1
    assert await life.stack.turns() == [("user", "my tea is green")]


async def test_a_chat_that_only_writes_does_nothing(life: MemoryLife) -> None:
    await choose(life, OFF)
    _, report = await life.stack.chat(ScriptedLlm([says("hi")])).complete(make_call("hello", mode="write"))
    assert (report.prepared.state, report.prepared.reason) == ("off", "remember_off")


async def test_events_accepted_before_are_applied_and_later_ones_are_dropped(life: MemoryLife) -> None:
    before = make_event("before", "my tea is green", at=life.stack.clock.now())
    await choose(life, OFF)
    meanwhile = make_event("meanwhile", "my tea is black", at=life.stack.clock.now())
    await choose(life, ON)
    later = make_event("later", "my tea is red", at=life.stack.clock.now())
    for event in (meanwhile, before, later):
        await life.stack.ingest.accept(event)  # of a process that does not know yet
    await life.stack.settle()
    assert {page.event_id for page in await life.stack.pages()} == {"before", "later"}
    assert await life.stack.short_term.get(ANA, meanwhile.memory_ids) == []


async def test_choosing_the_same_again_changes_nothing(life: MemoryLife) -> None:
    await choose(life, OFF)
    meanwhile = make_event("meanwhile", at=life.stack.clock.now())
    await choose(life, OFF)
    await life.stack.handlers.apply(meanwhile)
    assert await life.stack.pages() == []


async def test_being_remembered_without_ever_having_refused_drops_nothing(life: MemoryLife) -> None:
    await choose(life, ON)
    await life.stack.handlers.apply(make_event(at=life.stack.clock.moment))
    assert len(await life.stack.pages()) == 1


async def test_another_process_knows_within_a_second(life: MemoryLife) -> None:
    elsewhere = other_process(life)
    assert (await elsewhere.services.preferences().get(ANA)).remember
    await choose(life, OFF)
    life.stack.clock.advance(FRESH_S)
    assert not (await elsewhere.services.preferences().get(ANA)).remember


async def test_a_choice_that_cannot_be_read_does_not_stop_a_chat(life: MemoryLife) -> None:
    life.stack.faults.documents.fail("get")
    answer, _ = await life.stack.chat(ScriptedLlm([says("hello")])).complete(make_call("hi"))
    assert answer.choices[0].message.content == "hello"


async def test_what_is_known_is_not_asked_for_again(life: MemoryLife) -> None:
    preferences = life.services.preferences()
    await preferences.get(ANA)
    life.stack.faults.documents.fail("get")
    assert (await preferences.get(ANA)).remember
