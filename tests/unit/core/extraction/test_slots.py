"""The table of slots."""

import pytest

from memoryos_core.extraction.slots import SLOTS, is_slot, slot_named
from memoryos_ports.errors import InvalidInput


@pytest.mark.parametrize(
    ("name", "single"),
    [
        ("location", True),
        ("likes", False),
        ("favorite:color", True),
        ("relation:wife", True),
        ("relation:sister", False),
        ("pet:dog", False),
    ],
)
def test_a_slot_takes_one_value_or_many(name: str, single: bool) -> None:
    assert slot_named(name).single is single


@pytest.mark.parametrize("name", ["", "shoe", "relation", "relation:", "relation: ", "location:home", ":wife"])
def test_other_names_are_no_slots(name: str) -> None:
    assert not is_slot(name)
    with pytest.raises(InvalidInput) as caught:
        slot_named(name)
    assert caught.value.param == "slot"


def test_every_slot_says_what_it_is_about() -> None:
    assert all(slot.about for slot in SLOTS.values())
