"""What was done to a memory is told newest first, and its texts go when it goes."""

import pytest

from memoryos_core.lifecycle.editing import Edit
from memoryos_core.lifecycle.history import CHANGES_KEPT, MAX_KEPT_CHARS, History, MemoryChange
from memoryos_ports.errors import NotFound
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import Memory
from tests.support.lifecycle import MemoryLife
from tests.support.makers import ANA, BOB, NOON, make_event, make_page

EVENT = make_event("e1", "my tea is green")
(PAGE,) = EVENT.memory_ids
_Told = tuple[str, str | None, str | None, str]


async def told(life: MemoryLife, memory: Memory | None) -> list[_Told]:
    changes = await life.services.history().tell(ANA, PAGE, memory)
    return [(change.change, change.old, change.new, change.actor) for change in changes]


async def test_a_new_memory_was_added_by_whom_it_came(life: MemoryLife) -> None:
    await life.add(EVENT)
    page = await life.stack.library.get(ANA, PAGE)
    assert await life.services.history().tell(ANA, PAGE, page) == [
        MemoryChange(change="ADD", actor="api", time=NOON, new="my tea is green")
    ]


async def test_edits_are_told_newest_first_with_what_was_there_before(life: MemoryLife) -> None:
    await life.add(EVENT)
    for text in ("my tea is black", "my tea is red"):
        page = await life.services.editing().edit(ANA, PAGE, Edit(text=text))
    assert await told(life, page) == [
        ("UPDATE", "my tea is black", "my tea is red", "api"),
        ("UPDATE", "my tea is green", "my tea is black", "api"),
        ("ADD", None, "my tea is green", "api"),
    ]


async def test_a_deletion_takes_the_texts_with_it(life: MemoryLife) -> None:
    await life.add(EVENT)
    await life.services.editing().edit(ANA, PAGE, Edit(text="my tea is black"))
    await life.services.deletion().delete(ANA, PAGE)
    assert await told(life, None) == [
        ("DELETE", None, None, "api"),
        ("UPDATE", None, None, "api"),
        ("ADD", None, None, "api"),
    ]
    (document,) = (await life.stack.documents.get(ANA, "history", [PAGE])).values()
    assert b"tea" not in document.body


async def test_what_never_was_has_no_history(life: MemoryLife) -> None:
    await life.add(EVENT)
    await life.services.editing().edit(ANA, PAGE, Edit(text="my tea is black"))
    with pytest.raises(NotFound):
        await life.services.history().tell(BOB, PAGE, None)


async def test_a_step_that_is_done_again_is_noted_once(life: MemoryLife) -> None:
    history = life.services.history()
    for _ in range(2):
        await history.note(ANA, PAGE, change="SUPERSEDE", old="a", new="b", actor="consolidation")
    assert len(await history.tell(ANA, PAGE, None)) == 1


@pytest.mark.parametrize(
    ("count", "text", "kept"), [(CHANGES_KEPT + 5, "a", CHANGES_KEPT), (5, "x" * (MAX_KEPT_CHARS // 5), 2)]
)
async def test_a_history_does_not_grow_for_ever(count: int, text: str, kept: int, life: MemoryLife) -> None:
    history: History = life.services.history()
    for number in range(count):
        await history.note(ANA, PAGE, change="UPDATE", old=f"{number}{text}", new=f"{number + 1}{text}", actor="api")
    changes = await history.tell(ANA, PAGE, None)
    assert len(changes) == kept
    assert changes[0].new == f"{count}{text}"


async def test_a_deletion_that_is_repeated_is_noted_once(life: MemoryLife) -> None:
    page = make_page(event="e9")
    for _ in range(2):
        await life.services.history().note_deleted(ANA, page, actor="api")
    assert [change.change for change in await life.services.history().tell(ANA, MemoryId(page.id), None)] == [
        "DELETE",
        "ADD",
    ]
