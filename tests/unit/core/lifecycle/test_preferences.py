"""`remember: false` is obeyed by everything that writes."""

import msgspec
import pytest

from memoryos_adapters.testing import ScriptedLlm, says
from memoryos_core.lifecycle.preferences import FRESH_S, UserSettings
from memoryos_core.lifecycle.refusals import REMEMBER_KIND, STRETCHES_KEPT, Stretches
from memoryos_ports.errors import RememberOff
from memoryos_ports.ids import tenant_scope
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


async def test_what_was_accepted_in_an_earlier_time_without_remembering_stays_dropped(life: MemoryLife) -> None:
    late = []
    for number in range(2 * STRETCHES_KEPT):
        await choose(life, OFF if number % 2 == 0 else ON)
        late.append(make_event(f"e{number}", f"turn {number}", at=life.stack.clock.now()))
    for event in (*late[:4], *late[-2:]):
        await life.stack.handlers.apply(event)
    kept = [number for number in (0, 1, 2, 3, 2 * STRETCHES_KEPT - 2, 2 * STRETCHES_KEPT - 1) if number % 2]
    assert [page.text for page in await life.stack.pages()] == [f"turn {number}" for number in kept]


async def test_only_so_many_times_are_known(life: MemoryLife) -> None:
    for number in range(2 * STRETCHES_KEPT + 4):
        await choose(life, OFF if number % 2 == 0 else ON)
    spans = await life.services.refusals().switched_off(ANA)
    assert isinstance(spans, Stretches)
    assert len(spans.earlier) == STRETCHES_KEPT


async def test_a_time_that_was_noted_before_there_could_be_several_is_obeyed(life: MemoryLife) -> None:
    off, late = life.stack.clock.now(), make_event("late", at=life.stack.clock.now())
    body = msgspec.json.encode({"start": off, "end": life.stack.clock.now()})
    await life.stack.documents.put(tenant_scope(ANA.tenant_id), REMEMBER_KIND, ANA.user_id, body)
    await choose(life, OFF)
    await choose(life, ON)
    await life.stack.handlers.apply(late)
    assert await life.stack.pages() == []


async def test_a_write_is_accepted_while_nobody_can_be_asked_and_obeyed_when_it_is_applied(life: MemoryLife) -> None:
    await choose(life, OFF)
    life.stack.clock.advance(FRESH_S)
    for faults in (life.stack.faults.documents, life.stack.faults.short_term, life.stack.faults.due):
        faults.fail("*")
    intake = life.services.intake()
    receipts = [
        await intake.accept(make_event("e1", scope=scope, at=life.stack.clock.now()), check_pages=True)
        for scope in (ANA, BOB)
    ]
    for faults in (life.stack.faults.documents, life.stack.faults.short_term, life.stack.faults.due):
        faults.mend()
    assert [receipt.state for receipt in receipts] == ["queued", "queued"]
    await choose(life, ON)
    await life.stack.settle()
    assert (len(await life.stack.pages()), len(await life.stack.pages(BOB))) == (0, 1)


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
