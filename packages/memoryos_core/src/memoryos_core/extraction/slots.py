"""The slots that statements fill, and which of them take one value at a time."""

import msgspec

from memoryos_ports.errors import InvalidInput


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A slot, or with `family` the first part of many (``relation:wife``). `single`: a new value replaces the old."""

    about: str
    single: bool = False
    family: bool = False


SLOTS = {
    # of the user
    "name": Slot(about="what the person (as agent: the assistant) is called", single=True),
    "birthday": Slot(about="date or year of birth", single=True),
    "age": Slot(about="age in years", single=True),
    "location": Slot(about="where the person lives", single=True),
    "hometown": Slot(about="where the person comes from", single=True),
    "job": Slot(about="occupation", single=True),
    "employer": Slot(about="company or institution worked for", single=True),
    "marital": Slot(about="married, single, divorced, ...", single=True),
    "children": Slot(about="how many children", single=True),
    "studies": Slot(about="field of study", single=True),
    "education": Slot(about="school or university attended"),
    "speaks": Slot(about="a language spoken"),
    "likes": Slot(about="something liked"),
    "dislikes": Slot(about="something disliked"),
    "plays": Slot(about="an instrument, sport or game"),
    "allergy": Slot(about="what the person is allergic to"),
    "diet": Slot(about="vegetarian, vegan, ..."),
    "owns": Slot(about="something owned"),
    "favorite": Slot(about="the favorite of a kind, as in favorite:color", single=True, family=True),
    "relation": Slot(about="a person's name by relation, as in relation:sister", family=True),
    "pet": Slot(about="a pet's name by kind, as in pet:dog", family=True),
    # of the agent
    "address": Slot(about="how the agent should address the user", single=True),
    "language": Slot(about="the language the agent should answer in", single=True),
    "style": Slot(about="how the agent should answer"),
}

SINGLE_RELATIONS = frozenset({"wife", "husband", "spouse", "partner", "girlfriend", "boyfriend", "mother", "father"})
"""Relations of which there is one at a time; a second name is that of the next."""


def slot_named(name: str) -> Slot:
    """Return the slot of that name. Raises InvalidInput(param="slot") when there is none."""
    head, colon, kind = name.partition(":")
    slot = SLOTS.get(head)
    if slot is None or slot.family != bool(colon) or (slot.family and not kind.strip()):
        raise InvalidInput(f"there is no slot {name!r}", param="slot")
    if head == "relation" and kind in SINGLE_RELATIONS:
        return Slot(about=slot.about, single=True, family=True)
    return slot


def is_slot(name: str) -> bool:
    """Return whether there is a slot of that name."""
    try:
        slot_named(name)
    except InvalidInput:
        return False
    return True
