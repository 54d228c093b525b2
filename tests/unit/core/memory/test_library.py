"""Single memories: got, listed and deleted for good, indexed or still on their way."""

import pytest

from memoryos_ports.errors import NotFound
from memoryos_ports.ids import MemoryId, SessionId
from tests.support.makers import ANA, BOB, after, make_event
from tests.support.memory_stack import MemoryStack

EVENT = make_event("e1", "my tea is green", "and hot")
FIRST, SECOND = EVENT.memory_ids


@pytest.mark.parametrize("applied", [True, False])
async def test_a_memory_is_there_from_its_acceptance_on(applied: bool, stack: MemoryStack) -> None:
    await accept(stack, applied=applied)
    assert (await stack.library.get(ANA, FIRST)).text == "my tea is green"
    with pytest.raises(NotFound):
        await stack.library.get(BOB, FIRST)
    with pytest.raises(NotFound):
        await stack.library.get(ANA, MemoryId("nonsense"))


@pytest.mark.parametrize("applied", [True, False])
async def test_a_deleted_memory_does_not_come_back(applied: bool, stack: MemoryStack) -> None:
    await accept(stack, applied=applied)
    assert await stack.library.delete(ANA, FIRST) == [FIRST]
    for _ in range(2):
        await stack.settle()
        await stack.handlers.apply(EVENT)  # delivered again
        await stack.ingest.accept(EVENT)  # and sent again
    assert await stack.found("which tea is green and hot") == {"and hot"}
    assert [page.id for page in (await stack.library.browse(ANA, limit=9)).memories] == [SECOND]
    for call in (stack.library.get, stack.library.delete):
        with pytest.raises(NotFound):
            await call(ANA, FIRST)


async def test_only_its_own_user_deletes_a_memory(stack: MemoryStack) -> None:
    await accept(stack, applied=True)
    with pytest.raises(NotFound):
        await stack.library.delete(BOB, FIRST)
    assert len(await stack.pages()) == 2


async def test_waiting_turns_are_listed_in_their_places(stack: MemoryStack) -> None:
    for number in (0, 2, 4):
        await stack.ingest.accept(make_event(f"e{number}", f"turn {number}", at=after(number)))
    await stack.settle()
    for number in (1, 3, 5):
        await stack.ingest.accept(make_event(f"e{number}", f"turn {number}", at=after(number)))
    for limit in (1, 2, 3, 6, 9):
        assert await listed(stack, limit=limit) == [f"turn {number}" for number in (5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize("applied", [True, False])
async def test_a_listing_keeps_to_its_session(applied: bool, stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e1", "in s1", session_id="s1"))
    await stack.ingest.accept(make_event("e2", "in s2", session_id="s2", at=after(1)))
    if applied:
        await stack.settle()
    assert await listed(stack, limit=1, session="s1") == ["in s1"]
    assert await listed(stack, limit=9) == ["in s2", "in s1"]


async def listed(stack: MemoryStack, *, limit: int, session: str | None = None) -> list[str]:
    """Return the texts of a whole listing, read in stretches of `limit`."""
    texts: list[str] = []
    cursor: str | None = None
    while True:
        session_id = None if session is None else SessionId(session)
        stretch = await stack.library.browse(ANA, limit=limit, cursor=cursor, session_id=session_id)
        texts += [page.text for page in stretch.memories]
        if (cursor := stretch.next_cursor) is None:
            return texts


async def accept(stack: MemoryStack, *, applied: bool) -> None:
    """Accept the event, and apply it."""
    await stack.ingest.accept(EVENT)
    if applied:
        await stack.settle()
