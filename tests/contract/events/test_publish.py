"""What every event log promises about taking events in."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memoryos_ports.errors import Overloaded
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import EventLog, Published
from memoryos_ports.ids import Scope, TenantId, UserId
from tests.contract.events.logs import Opener
from tests.contract.events.makers import ANA, BOB, STRANGER, make_event, make_receipt


async def test_a_new_event_is_taken_in(log: EventLog) -> None:
    event = make_event("e1", "tea", "coffee")
    assert await log.publish(event) == Published(outcome="new", receipt=make_receipt(event))
    assert await log.receipt(ANA, event.event_id) == make_receipt(event)


async def test_the_same_event_again_changes_nothing(log: EventLog) -> None:
    event = make_event()
    await log.publish(event)
    assert await log.publish(event) == Published(outcome="same", receipt=make_receipt(event))
    assert len(await log.receive(limit=10, wait_s=0)) == 1
    assert await log.publish(event) == Published(outcome="same", receipt=make_receipt(event, "processing"))
    assert await log.receive(limit=10, wait_s=0) == []


async def test_the_same_event_after_it_was_stored_changes_nothing(log: EventLog) -> None:
    event = make_event()
    await log.publish(event)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.ack(delivery)
    published = await log.publish(event)
    assert (published.outcome, published.receipt.state) == ("same", "stored")
    assert await log.receive(limit=10, wait_s=0) == []


async def test_the_same_event_after_it_was_buried_changes_nothing(log: EventLog) -> None:
    event = make_event()
    await log.publish(event)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.bury(delivery, error="no")
    published = await log.publish(event)
    assert (published.outcome, published.receipt.state) == ("same", "dead")
    assert await log.receive(limit=10, wait_s=0) == []


async def test_other_content_under_a_known_event_id_is_told_and_changes_nothing(log: EventLog) -> None:
    first = make_event("e1", "tea")
    await log.publish(first)
    other = await log.publish(make_event("e1", "coffee", "and cake"))
    assert other == Published(outcome="other", receipt=make_receipt(first))
    assert [delivery.payload for delivery in await log.receive(limit=10, wait_s=0)] == [encode_event(first)]


async def test_other_content_is_told_after_the_first_was_stored(log: EventLog) -> None:
    await log.publish(make_event("e1", "tea"))
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.ack(delivery)
    assert (await log.publish(make_event("e1", "coffee"))).outcome == "other"


@pytest.mark.parametrize("scope", [BOB, STRANGER])
async def test_an_event_is_known_in_its_own_scope_only(log: EventLog, scope: Scope) -> None:
    await log.publish(make_event("e1", "tea"))
    assert await log.receipt(scope, make_event().event_id) is None
    theirs = make_event("e1", "coffee", scope=scope)
    assert await log.publish(theirs) == Published(outcome="new", receipt=make_receipt(theirs))


async def test_scopes_whose_joined_names_are_alike_are_apart(log: EventLog) -> None:
    left = Scope(tenant_id=TenantId("a:b"), user_id=UserId("c"))
    right = Scope(tenant_id=TenantId("a"), user_id=UserId("b:c"))
    outcomes = [(await log.publish(make_event(scope=scope))).outcome for scope in (left, right)]
    assert outcomes == ["new", "new"]


async def test_of_many_concurrent_publications_of_one_event_one_is_new(log: EventLog) -> None:
    async with asyncio.timeout(10):
        published = await asyncio.gather(*(log.publish(make_event()) for _ in range(20)))
    assert sorted(each.outcome for each in published) == ["new"] + ["same"] * 19


async def test_publishing_beyond_the_bound_is_refused(opener: Opener, tmp_path: Path) -> None:
    async with opener(tmp_path, max_queue=2) as log:
        await log.publish(make_event("e1"))
        await log.publish(make_event("e2"))
        with pytest.raises(Overloaded):
            await log.publish(make_event("e3"))
        assert await log.receipt(ANA, make_event("e3").event_id) is None
        assert (await log.publish(make_event("e2"))).outcome == "same"


async def test_an_applied_event_makes_room(opener: Opener, tmp_path: Path) -> None:
    async with opener(tmp_path, max_queue=1) as log:
        await log.publish(make_event("e1"))
        (delivery,) = await log.receive(limit=1, wait_s=0)
        with pytest.raises(Overloaded):
            await log.publish(make_event("e2"))
        await log.ack(delivery)
        assert (await log.publish(make_event("e2"))).outcome == "new"


async def test_what_was_published_is_there_after_a_restart(durable_opener: Opener, tmp_path: Path) -> None:
    event = make_event()
    async with durable_opener(tmp_path) as log:
        await log.publish(event)
    async with durable_opener(tmp_path) as log:
        assert await log.receipt(ANA, event.event_id) == make_receipt(event)
        assert (await log.publish(event)).outcome == "same"
        (delivery,) = await log.receive(limit=10, wait_s=0)
        assert (delivery.payload, delivery.attempts) == (encode_event(event), 0)


PUBLICATIONS = st.lists(
    st.tuples(st.sampled_from([ANA, BOB, STRANGER]), st.sampled_from(["e1", "e2"]), st.sampled_from(["tea", "coffee"])),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(publications=PUBLICATIONS)
async def test_the_first_content_under_an_event_id_stays_whatever_comes_after(
    opener: Opener, tmp_path_factory: pytest.TempPathFactory, publications: list[tuple[Scope, str, str]]
) -> None:
    first: dict[tuple[Scope, str], str] = {}
    async with opener(tmp_path_factory.mktemp("log")) as log:
        for scope, event_id, text in publications:
            known = first.setdefault((scope, event_id), text)
            is_new = len(first) > (await log.stats()).length
            published = await log.publish(make_event(event_id, text, scope=scope))
            assert published.outcome == ("new" if is_new else "same" if known == text else "other")
        expected = [encode_event(make_event(id, text, scope=scope)) for (scope, id), text in first.items()]
        assert [delivery.payload for delivery in await log.receive(limit=100, wait_s=0)] == expected
