"""Forgetting a conversation, and the list of those there are."""

import asyncio

import pytest

from memoryos_adapters.testing import ScriptedLlm, says
from memoryos_core.lifecycle.registry import Activity
from memoryos_ports.errors import InvalidInput, NotFound
from memoryos_ports.ids import SessionId
from tests.support.lifecycle import MemoryLife
from tests.support.makers import ANA, BOB, after, make_call, make_event, make_turn, said
from tests.unit.core.lifecycle.test_editing import make_fact

S1, S2 = SessionId("s1"), SessionId("s2")
SECRET = make_event("e1", "the password is swordfish", "keep it", session_id=S1)
OTHER = make_event("e2", "my tea is green", session_id=S2)


async def test_a_forgotten_session_is_gone_with_what_was_learnt_from_it(life: MemoryLife) -> None:
    await life.add(SECRET, OTHER)
    fact = make_fact("the password is swordfish", SECRET.memory_ids[0])
    await life.stack.storage.put(await life.indexer.entries([fact]))
    forgotten = await life.services.sessions().forget(ANA, S1)
    assert set(forgotten.deleted) == {*SECRET.memory_ids, fact.id}
    assert [page.text for page in await life.stack.pages()] == ["my tea is green"]
    assert [entry.id for entry in (await life.services.registry().sessions(ANA, limit=9)).items] == ["s2"]
    assert await life.stack.short_term.recent(ANA, S1, limit=9) == []


async def test_what_waits_to_be_applied_is_forgotten_too(life: MemoryLife) -> None:
    await life.services.intake().accept(SECRET)
    await life.services.intake().accept(OTHER)
    forgotten = await life.services.sessions().forget(ANA, S1)
    assert (set(forgotten.deleted), forgotten.events) == (set(SECRET.memory_ids), 1)
    await life.stack.settle()
    assert [page.text for page in await life.stack.pages()] == ["my tea is green"]


async def test_dead_letters_of_the_session_go(life: MemoryLife) -> None:
    await life.services.intake().accept(SECRET)
    (delivery,) = await life.stack.events.receive(limit=9, wait_s=0)
    await life.stack.events.bury(delivery, error="broken")
    assert (await life.services.sessions().forget(ANA, S1)).events == 1
    assert (await life.stack.events.stats()).dead == 0


async def test_an_event_that_is_delivered_again_does_not_bring_it_back(life: MemoryLife) -> None:
    await life.add(SECRET)
    await life.services.sessions().forget(ANA, S1)
    await life.stack.handlers.apply(SECRET)
    assert await life.stack.pages() == []
    assert (await life.services.registry().sessions(ANA, limit=9)).items == []


async def test_an_event_in_hand_does_not_survive(life: MemoryLife) -> None:
    gate = life.stack.faults.storage.hold("insert")
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(life.stack.handlers.apply(SECRET))
        await life.stack.faults.storage.hung.wait()
        tasks.create_task(life.services.sessions().forget(ANA, S1))
        gate.set()
    assert await life.stack.pages() == []


async def test_what_is_said_in_it_afterwards_is_remembered(life: MemoryLife) -> None:
    await life.add(SECRET)
    await life.services.sessions().forget(ANA, S1)
    await life.add(make_event("e9", "hello again", session_id=S1, at=life.stack.clock.now()))
    assert [page.text for page in await life.stack.pages()] == ["hello again"]


async def test_a_chat_that_was_forgotten_begins_anew(life: MemoryLife) -> None:
    chat = life.stack.chat(ScriptedLlm([says("noted"), says("what password?")]))
    await chat.complete(make_call("the password is swordfish", session="s1"))
    await life.stack.settle()
    await life.services.sessions().forget(ANA, S1)
    assert await life.stack.turns() == []
    await chat.complete(make_call("hello", session="s1"))
    assert await life.stack.turns() == [("user", "hello"), ("assistant", "what password?")]


async def test_a_session_without_a_name_is_forgotten_by_the_one_it_got(life: MemoryLife) -> None:
    chat = life.stack.chat(ScriptedLlm([says("noted"), says("green")]))
    await chat.complete(make_call("my tea is green"))
    await chat.complete(make_call("my tea is green", said("noted"), "which tea?"))
    await life.stack.settle()
    ((session),) = (await life.services.registry().sessions(ANA, limit=9)).items
    await life.services.sessions().forget(ANA, SessionId(session.id))
    assert await life.stack.pages() == []
    for kind in ("turn", "chain", "session"):
        assert await life.stack.documents.list_documents(ANA, kind, limit=9) == []


async def test_an_unknown_session_is_not_found(life: MemoryLife) -> None:
    await life.add(SECRET)
    for scope, session in ((ANA, S2), (BOB, S1)):
        with pytest.raises(NotFound):
            await life.services.sessions().forget(scope, session)
    assert len(await life.stack.pages()) == 2


async def test_times_are_those_of_the_turns_in_whatever_order_they_come(life: MemoryLife) -> None:
    turns = [make_event(f"e{at}", make_turn(str(at), at=after(at)), session_id=S1) for at in (20, 0, 10)]
    await life.add(*turns, turns[0])
    activity = Activity(first_at=after(0), last_at=after(20))
    assert [entry.activity for entry in (await life.services.registry().sessions(ANA, limit=9)).items] == [activity]
    assert [entry.activity for entry in (await life.services.registry().users(ANA.tenant_id, limit=9)).items] == [
        activity
    ]


async def test_users_are_listed_in_stretches(life: MemoryLife) -> None:
    scopes = [BOB, ANA]
    for scope in scopes:
        await life.add(make_event("e1", scope=scope))
    registry = life.services.registry()
    first = await registry.users(ANA.tenant_id, limit=1)
    rest = await registry.users(ANA.tenant_id, limit=1, cursor=first.next_cursor)
    assert [entry.id for entry in (*first.items, *rest.items)] == ["ana", "bob"]
    assert rest.next_cursor is None
    with pytest.raises(InvalidInput, match="cursor"):
        await registry.users(ANA.tenant_id, limit=1, cursor="nonsense!")
