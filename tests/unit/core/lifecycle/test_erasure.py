"""Erasing a user: nothing is left, nothing comes back, and what could not be reached is told."""

import asyncio

import pytest

from memoryos_adapters.testing import ScriptedLlm, says
from memoryos_core.chat.service import ChatService
from memoryos_core.lifecycle.erasure import ErasureReceipt
from memoryos_core.lifecycle.preferences import UserSettings
from memoryos_ports.errors import RememberOff
from memoryos_ports.events import TurnsEvent
from memoryos_ports.ids import Scope, SessionId
from tests.support.lifecycle import MemoryLife, other_process
from tests.support.makers import ANA, BOB, OTHER_ANA, after, make_call, make_event
from tests.support.memory_stack import MemoryStack

EVENT = make_event("e1", "I moved to Lisbon", "my tea is green", session_id=SessionId("s1"))

STEPS = [
    ("documents", "get"),
    ("short_term", "append"),
    ("embedder", "embed"),
    ("storage", "insert"),
    ("short_term", "mark_indexed"),
    ("documents", "put"),
    ("due", "add"),
    ("documents", "update"),
]


async def erase(life: MemoryLife, scope: Scope = ANA) -> ErasureReceipt:
    return await life.services.memory().lifecycle.erasure.erase(scope)


async def assert_nothing_left(life: MemoryLife, event: TurnsEvent = EVENT, scope: Scope = ANA) -> None:
    stack = life.stack
    assert await stack.pages(scope) == []
    assert await stack.short_term.get(scope, event.memory_ids) == []
    assert await stack.found("Lisbon tea", scope) == set()
    assert await life.services.registry().user(scope) is None
    assert (await life.services.registry().sessions(scope, limit=9)).items == []
    assert (await erase(life, scope)).erased == dict.fromkeys(
        ("events", "due", "short_term", "index", "documents", "quarantine", "users"), 0
    )


async def test_everything_of_the_user_goes_and_is_counted(life: MemoryLife) -> None:
    await life.add(EVENT)
    await life.services.intake().accept(make_event("e2", "still waiting"))
    receipt = await erase(life)
    assert (receipt.state, receipt.not_reached) == ("complete", [])
    assert (receipt.erased["index"], receipt.erased["short_term"], receipt.erased["events"]) == (2, 3, 2)
    assert receipt.erased["users"] == 1
    assert set(receipt.left.values()) == {0}
    await assert_nothing_left(life)


async def test_files_that_hold_what_was_erased_a_while_longer_are_told(life: MemoryLife) -> None:
    await life.add(EVENT)
    assert (await erase(life)).pending == ["index: its files are rewritten at the next start"]


async def test_an_unknown_user_gives_a_receipt_of_zeros(life: MemoryLife) -> None:
    receipt = await erase(life)
    assert (receipt.state, receipt.pending) == ("complete", [])
    assert set(receipt.erased.values()) == {0}


async def test_others_keep_what_is_theirs(life: MemoryLife) -> None:
    for scope in (ANA, BOB, OTHER_ANA):
        await life.add(make_event("e1", f"tea of {scope.tenant_id}/{scope.user_id}", scope=scope))
    await erase(life)
    assert await life.stack.found("tea", BOB) == {"tea of acme/bob"}
    assert await life.stack.found("tea", OTHER_ANA) == {"tea of other/ana"}
    assert await life.services.registry().user(BOB) is not None


async def test_what_was_accepted_before_does_not_come_back(life: MemoryLife) -> None:
    await life.add(EVENT)
    await erase(life)
    await life.stack.handlers.apply(EVENT)  # delivered again, or a dead letter that is replayed
    await assert_nothing_left(life)


async def test_what_is_said_afterwards_is_remembered(life: MemoryLife) -> None:
    await life.add(EVENT)
    await erase(life)
    await life.add(make_event("e1", "I moved to Lisbon", at=life.stack.clock.now()))
    assert await life.stack.found("Lisbon") == {"I moved to Lisbon"}


async def test_who_wanted_nothing_remembered_still_wants_nothing(life: MemoryLife) -> None:
    preferences = life.services.preferences()
    await preferences.put(ANA, UserSettings(remember=False))
    await erase(life)
    assert not (await preferences.get(ANA)).remember
    assert not (await other_process(life).services.preferences().get(ANA)).remember
    with pytest.raises(RememberOff):
        await life.services.intake().accept(make_event("late", at=life.stack.clock.now()))
    await preferences.put(ANA, UserSettings(remember=True))
    await life.add(make_event("later", "hello again", at=life.stack.clock.now()))
    assert [page.text for page in await life.stack.pages()] == ["hello again"]


@pytest.mark.parametrize(("store", "method"), STEPS, ids=str)
async def test_an_event_in_hand_does_not_survive(store: str, method: str, life: MemoryLife) -> None:
    faults = getattr(life.stack.faults, store)
    gate = faults.hold(method)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(life.stack.handlers.apply(EVENT))
        await faults.hung.wait()
        erasing = tasks.create_task(erase(life))
        gate.set()
    assert erasing.result().state == "complete"
    await assert_nothing_left(life)


@pytest.mark.parametrize(("store", "method"), STEPS, ids=str)
async def test_an_event_in_the_hands_of_another_process_does_not_survive(
    store: str, method: str, life: MemoryLife
) -> None:
    elsewhere = other_process(life)
    life.stack.clock.advance(60)
    faults = getattr(life.stack.faults, store)
    gate = faults.hold(method)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(life.stack.handlers.apply(EVENT))
        await faults.hung.wait()
        assert (await erase(elsewhere)).state == "complete"
        gate.set()
    assert await elsewhere.stack.pages() == []
    assert await elsewhere.stack.short_term.get(ANA, EVENT.memory_ids) == []
    assert await elsewhere.services.registry().user(ANA) is None
    assert (await elsewhere.services.registry().sessions(ANA, limit=9)).items == []


async def test_what_is_being_learnt_does_not_survive(life: MemoryLife) -> None:
    await life.add(EVENT)
    life.stack.clock.advance(3600)
    (lease,) = await life.stack.consolidation.consolidator.claim(limit=1)
    gate = life.stack.faults.storage.hold("put")
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(life.stack.consolidation.consolidator.work(lease))
        await life.stack.faults.storage.hung.wait()
        tasks.create_task(erase(life))
        gate.set()
    await assert_nothing_left(life)


async def test_nothing_goes_while_something_is_being_learnt(life: MemoryLife) -> None:
    await life.add(EVENT)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks, life.services.learning_locks().of(ANA):
        erasing = tasks.create_task(erase(life))
        while await life.services.refusals().erasure(ANA) is None:
            pass
        for number in range(9):  # one writer serves all in turn: an erasure that did not wait would go on meanwhile
            await life.stack.documents.put(BOB, "note", str(number), b"{}")
        assert len(await life.stack.short_term.get(ANA, EVENT.memory_ids)) == 2
    assert erasing.result().state == "complete"
    await assert_nothing_left(life)


async def test_who_was_to_learn_when_the_user_was_erased_learns_nothing(life: MemoryLife) -> None:
    await life.add(EVENT)
    life.stack.clock.advance(3600)
    (lease,) = await life.stack.consolidation.consolidator.claim(limit=1)
    await erase(life)
    await life.stack.consolidation.consolidator.work(lease)
    await assert_nothing_left(life)


async def test_a_store_that_does_not_answer_is_named_and_reached_the_next_time(life: MemoryLife) -> None:
    await life.add(EVENT)
    life.stack.faults.storage.fail("erase")
    receipt = await erase(life)
    assert (receipt.state, receipt.not_reached) == ("partial", ["index"])
    assert "index" not in receipt.erased
    life.stack.faults.storage.mend()
    again = await erase(life)
    assert (again.state, again.erased["index"]) == ("complete", 2)


async def test_what_is_being_written_all_the_time_makes_it_partial(life: MemoryLife) -> None:
    erasure = life.services.erasure()
    erasure._patience_s = 0.01
    async with life.services.gate().writing(ANA), asyncio.timeout(10):
        receipt = await erasure.erase(ANA)
    assert (receipt.state, receipt.not_reached) == ("partial", ["in_hand"])


async def test_an_add_that_waits_for_the_erasure_is_new(life: MemoryLife) -> None:
    await life.add(EVENT)
    gate = life.stack.faults.storage.hold("erase")
    late = make_event("late", "hello again", at=after(-60))
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(erase(life))
        await life.stack.faults.storage.hung.wait()
        adding = tasks.create_task(life.services.intake().accept(late))
        await asyncio.sleep(0)
        gate.set()
    await life.stack.settle()
    assert adding.result().event_id == "late"
    assert [page.text for page in await life.stack.pages()] == ["hello again"]


async def test_chats_go_on_while_the_user_is_erased(life: MemoryLife) -> None:
    await life.add(make_event("e1", "my secret is swordfish"))
    chat = life.stack.chat(ScriptedLlm([says("hi")] * 9))
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for number in range(4):
            tasks.create_task(_say(life.stack, chat, f"turn {number}"))
            tasks.create_task(erase(life))
    await life.stack.settle()
    assert "my secret is swordfish" not in {page.text for page in await life.stack.pages()}
    assert await life.stack.found("swordfish") <= {text for _, text in await life.stack.turns()}
    await _say(life.stack, chat, "I am here again")
    assert ("user", "I am here again") in await life.stack.turns()


async def _say(stack: MemoryStack, chat: ChatService, text: str) -> None:
    await chat.complete(make_call(text))
    await stack.memory.drain()
