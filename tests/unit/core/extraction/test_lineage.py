"""What a new statement does to the facts that are known."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.extraction.lineage import (
    BEGINNING_UNKNOWN,
    Add,
    Closing,
    Decision,
    Nothing,
    Standing,
    Supersede,
    Update,
    decide,
)
from memoryos_core.extraction.statement import Statement
from memoryos_ports.ids import MemoryId
from tests.support.makers import NOON


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as a store would keep it."""

    id: MemoryId
    text: str
    value: str
    valid_from: datetime
    confirmed_at: datetime
    subject: str = "user"
    slot: str | None = "location"
    speaker: str | None = None
    valid_to: datetime | None = None
    superseded_by: MemoryId | None = None
    sources: tuple[MemoryId, ...] = ()
    confidence: float = 0.8
    pinned: bool = False


def day(number: int) -> datetime:
    """Return noon of a day."""
    return NOON + timedelta(days=number)


def says(
    value: str, on: int, *, since: int | None = None, ended: bool = False, slot: str | None = "location", text: str = ""
) -> Statement:
    """Return a statement made on a day, of something that holds since an earlier one."""
    return Statement(
        text=text or value,
        value=value,
        valid_from=day(on if since is None else since),
        said_at=day(on),
        source=MemoryId(f"page-{on}-{value}-{ended}"),
        slot=slot,
        ended=ended,
    )


def apply(facts: Sequence[Known], new: Statement) -> list[Known]:
    """Return the facts after a decision was carried out, as a service would do it."""
    return list(_applied({fact.id: fact for fact in facts}, new, decide(new, facts)).values())


def _applied(facts: dict[MemoryId, Known], new: Statement, decision: Decision) -> dict[MemoryId, Known]:
    fact_id = MemoryId(f"fact-{new.value}")
    closed: tuple[Closing, ...] = ()
    match decision:
        case Add(standing=standing) | Supersede(standing=standing):
            facts[fact_id] = _known(fact_id, new, standing)
            closed = decision.closed if isinstance(decision, Supersede) else ()
        case Update():
            changes = msgspec.structs.asdict(decision.standing)
            facts[decision.fact] = msgspec.structs.replace(
                facts[decision.fact],
                text=decision.text,
                sources=decision.sources,
                confidence=decision.confidence,
                **changes,
            )
            closed = decision.closed
        case Nothing():
            pass
    for item in closed:
        follower = item.superseded_by or fact_id
        facts[item.fact] = msgspec.structs.replace(facts[item.fact], valid_to=item.valid_to, superseded_by=follower)
    return facts


def _known(fact_id: MemoryId, new: Statement, standing: Standing) -> Known:
    return Known(
        id=fact_id,
        text=new.text,
        value=new.value,
        slot=new.slot,
        sources=(new.source,),
        confidence=new.confidence,
        **msgspec.structs.asdict(standing),
    )


def after_all(*statements: Statement) -> list[Known]:
    """Return the facts after statements arrived in this order."""
    facts: list[Known] = []
    for statement in statements:
        facts = apply(facts, statement)
    return facts


def spans(facts: Sequence[Known]) -> dict[str, tuple[datetime, datetime | None, str | None]]:
    """Return from when to when each value holds, and what followed it."""
    return {fact.value: (fact.valid_from, fact.valid_to, fact.superseded_by) for fact in facts}


def test_a_first_statement_is_added() -> None:
    assert decide(says("Oslo", 1), []) == Add(standing=Standing(valid_from=day(1), confirmed_at=day(1)))


def test_another_value_supersedes() -> None:
    oslo = after_all(says("Oslo", 1))
    decision = decide(says("Bergen", 2), oslo)
    assert decision == Supersede(
        standing=Standing(valid_from=day(2), confirmed_at=day(2)),
        closed=(Closing(fact=oslo[0].id, valid_to=day(2), superseded_by=None),),
    )


def test_an_older_statement_that_arrives_late_is_added_as_ended() -> None:
    facts = after_all(says("Bergen", 5), says("Oslo", 1))
    assert spans(facts) == {"Bergen": (day(5), None, None), "Oslo": (day(1), day(5), "fact-Bergen")}


def test_a_late_statement_takes_its_place_in_between() -> None:
    facts = after_all(says("Oslo", 1), says("Bergen", 9), says("Voss", 4))
    assert spans(facts) == {
        "Oslo": (day(1), day(4), "fact-Voss"),
        "Voss": (day(4), day(9), "fact-Bergen"),
        "Bergen": (day(9), None, None),
    }


def test_the_same_from_the_same_page_is_nothing_and_from_another_page_a_source() -> None:
    facts = after_all(says("Oslo", 1))
    assert decide(says("Oslo", 1), facts) == Nothing(fact=facts[0].id)
    again = decide(says("Oslo", 3), facts)
    assert isinstance(again, Update)
    assert (again.standing.valid_from, again.standing.confirmed_at) == (day(1), day(3))
    assert again.sources == ("page-1-Oslo-False", "page-3-Oslo-False")


def test_said_ten_times_it_is_still_one_fact() -> None:
    assert len(after_all(*(says("Oslo", on) for on in range(10)))) == 1


def test_many_values_stand_beside_each_other() -> None:
    facts = after_all(says("tea", 1, slot="likes"), says("rain", 2, slot="likes"), says("Tea", 3, slot="likes"))
    assert spans(facts) == {"tea": (day(1), None, None), "rain": (day(2), None, None)}


def test_an_end_closes_what_was_said_and_may_be_heard_of_alone() -> None:
    facts = after_all(says("Fjord", 1, slot="employer"), says("Fjord", 4, slot="employer", ended=True))
    assert spans(facts) == {"Fjord": (day(1), day(4), None)}
    alone = after_all(says("Fjord", 4, slot="employer", ended=True))
    assert spans(alone) == {"Fjord": (BEGINNING_UNKNOWN, day(4), None)}


def test_an_end_of_another_value_leaves_what_holds_alone() -> None:
    facts = after_all(says("Bergen", 3), says("Oslo", 7, ended=True))
    assert spans(facts)["Bergen"] == (day(3), None, None)


def test_what_ended_and_is_said_again_holds_again() -> None:
    facts = after_all(says("Oslo", 1), says("Oslo", 2, ended=True), says("Oslo", 3))
    assert spans(facts) == {"Oslo": (day(1), None, None)}


def test_what_was_said_last_counts_however_long_it_holds_already() -> None:
    facts = after_all(says("Oslo", 5), says("Bergen", 9, since=1))
    assert spans(facts) == {"Oslo": (day(5), day(9), "fact-Bergen"), "Bergen": (day(1), None, None)}


def test_an_end_counts_from_when_it_was_told() -> None:
    facts = after_all(says("Fjord", 5, slot="employer"), says("Fjord", 9, since=2, slot="employer", ended=True))
    assert spans(facts) == {"Fjord": (day(5), day(9), None)}


def test_speakers_and_subjects_have_slots_of_their_own() -> None:
    ruth = msgspec.structs.replace(says("Oslo", 1), speaker="Ruth")
    joel = msgspec.structs.replace(says("Bergen", 2), speaker="Joel")
    facts = [_known(MemoryId("1"), ruth, Standing(valid_from=day(1), confirmed_at=day(1)))]
    assert isinstance(decide(joel, [msgspec.structs.replace(facts[0], speaker="Ruth")]), Add)
    assert isinstance(decide(msgspec.structs.replace(ruth, subject="agent"), facts), Add)


def test_what_a_person_fixed_and_has_ended_bars_nothing() -> None:
    known = after_all(says("Oslo", 1), says("Bergen", 2))
    edited = [msgspec.structs.replace(fact, pinned=fact.value == "Oslo") for fact in known]
    assert spans(apply(edited, says("Voss", 3)))["Voss"] == (day(3), None, None)
    assert isinstance(decide(says("Oslo", 3), edited), Supersede)


def test_nothing_learnt_replaces_what_a_person_fixed() -> None:
    pinned = [msgspec.structs.replace(fact, pinned=True) for fact in after_all(says("Oslo", 1))]
    assert decide(says("Bergen", 2), pinned) == Nothing(fact=pinned[0].id)
    assert decide(says("Oslo", 2, ended=True), pinned) == Nothing(fact=pinned[0].id)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("the roof of the old barn leaks", 1),
        ("The old barn's roof is leaking badly in winter", 2),
        ("we painted the kitchen blue", 2),
    ],
)
def test_without_a_slot_nearly_the_same_words_are_the_same(text: str, kept: int) -> None:
    first = says("", 1, slot=None, text="The roof of the old barn leaks.")
    facts = apply([], first)
    decision = decide(says("", 2, slot=None, text=text), facts)
    assert isinstance(decision, Update if kept == 1 else Add)


def statements(slot: str) -> st.SearchStrategy[list[Statement]]:
    """Statements of one slot: few values and moments, so that they meet."""
    one = st.builds(
        says,
        st.sampled_from(["Oslo", "Bergen", "Voss"]),
        st.integers(3, 8),
        since=st.none() | st.integers(1, 3),
        ended=st.booleans(),
        slot=st.just(slot),
    )
    return st.lists(one, min_size=2, max_size=6)


@pytest.mark.parametrize("slot", ["location", "likes"])
@given(data=st.data())
def test_the_order_of_arrival_changes_nothing(slot: str, data: st.DataObject) -> None:
    arrived = data.draw(statements(slot))
    shuffled = data.draw(st.permutations(arrived))
    assert _sorted(after_all(*arrived)) == _sorted(after_all(*shuffled))


def test_every_order_of_a_life_with_a_return_gives_the_same() -> None:
    life = [says("Oslo", 1), says("Bergen", 2), says("Oslo", 4), says("Bergen", 6, ended=True), says("Voss", 3)]
    results = {tuple(_sorted(after_all(*order))) for order in permutations(life)}
    assert len(results) == 1


@given(data=st.data())
def test_one_value_at_most_holds_after_all_was_said(data: st.DataObject) -> None:
    facts = after_all(*data.draw(statements("location")))
    assert sum(fact.valid_to is None for fact in facts) <= 1


def _sorted(facts: Sequence[Known]) -> list[Known]:
    return sorted(facts, key=lambda fact: fact.id)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_an_ending_never_takes_the_place_of_how_it_was_said_to_hold(order: tuple[int, ...]) -> None:
    said = [
        says("Oslo", 1, text="I live in Oslo"),
        says("Oslo", 2, text="I still live in Oslo"),
        says("Oslo", 3, ended=True, text="I left Oslo"),
        says("Oslo", 4, ended=True, text="I left Oslo long ago"),
    ]
    (fact,) = after_all(*(said[place] for place in order))
    assert (fact.text, fact.valid_from, fact.valid_to) == ("I still live in Oslo", day(1), day(4))


def test_of_what_only_ended_the_last_ending_is_told() -> None:
    endings = [says("Oslo", on, ended=True, text=f"ended {on}") for on in (3, 4)]
    for order in (endings, endings[::-1]):
        (fact,) = after_all(*order)
        assert (fact.text, fact.valid_from) == ("ended 4", BEGINNING_UNKNOWN)
