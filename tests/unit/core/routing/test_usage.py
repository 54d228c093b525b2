"""What answers cost: sums by tenant and deployment, and estimates where nobody reported anything."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.routing.usage import IMAGE_TOKENS, Booking, Outcome, Spent, UsageBook, estimated_usage, prompt_tokens
from memoryos_ports.ids import TenantId
from memoryos_ports.llm import Message, ToolCall, Usage
from tests.support.makers import image_part, make_message, said, text_part
from tests.unit.core.routing.scenery import make_route

ACME, OTHER = TenantId("acme"), TenantId("other")
FRAME = 4


def make_booking(
    usage: Usage, *, tenant: TenantId = ACME, name: str = "a", tier: str = "default", outcome: Outcome = "complete"
) -> Booking:
    """Return an answer of a provider's model."""
    return Booking(tenant_id=tenant, route=make_route(name, tier=tier), usage=usage, outcome=outcome, tries=1)


def make_usage(prompt: int = 10, completion: int = 5, *, estimated: bool = False) -> Usage:
    """Return what an answer cost."""
    return Usage(prompt_tokens=prompt, completion_tokens=completion, estimated=estimated)


def test_answers_are_added_up_by_tenant_and_deployment() -> None:
    book = UsageBook()
    book.book(make_booking(Usage(prompt_tokens=10, completion_tokens=5, cached_tokens=4, reasoning_tokens=2)))
    book.book(make_booking(make_usage(1, 2, estimated=True), tier="cloud", outcome="cancelled"))
    book.book(make_booking(make_usage(), name="b"))
    book.book(make_booking(make_usage(7, 7), tenant=OTHER))
    assert book.spent(ACME) == {
        "a/m": Spent(
            answers=2,
            prompt_tokens=11,
            completion_tokens=7,
            cached_tokens=4,
            reasoning_tokens=2,
            estimated_answers=1,
        ),
        "b/m": Spent(answers=1, prompt_tokens=10, completion_tokens=5),
    }
    assert book.spent(OTHER) == {"a/m": Spent(answers=1, prompt_tokens=7, completion_tokens=7)}
    assert book.spent(TenantId("nobody")) == {}


def test_whoever_keeps_them_longer_is_told_each_booking() -> None:
    told: list[Booking] = []
    book, booking = UsageBook(note=told.append), make_booking(make_usage())
    book.book(booking)
    book.book(booking)
    assert told == [booking, booking]


def test_clients_who_make_up_names_do_not_fill_the_memory() -> None:
    book = UsageBook()
    book.MAX_ENTRIES = 3
    for number in range(10):
        book.book(make_booking(make_usage(1, 0), name=f"made-up-{number}"))
        book.book(make_booking(make_usage(1, 0), name="made-up-0"))
    spent = book.spent(ACME)
    assert set(spent) == {"made-up-0/m", "made-up-1/m", "made-up-2/m", "(other)"}
    assert sum(entry.prompt_tokens for entry in spent.values()) == 20, "nothing is lost"


PROMPTS: list[tuple[list[Message], int]] = [
    ([], 0),
    ([make_message("")], FRAME),
    ([make_message("abcd")], FRAME + 1),
    ([make_message("abcde")], FRAME + 2),
    ([make_message("机密")], FRAME + 2),
    ([make_message(None)], FRAME),
    ([make_message("abcd"), said("abcd")], 2 * (FRAME + 1)),
    ([make_message([text_part("abcd"), image_part(), text_part("")])], FRAME + 1 + IMAGE_TOKENS),
    (
        [make_message(None, role="assistant", tool_calls=(ToolCall(id="c", name="look", arguments='{"a": 12}'),))],
        FRAME + 4,
    ),
]


@pytest.mark.parametrize(("messages", "tokens"), PROMPTS)
def test_prompts_are_estimated_by_all_that_is_sent(messages: list[Message], tokens: int) -> None:
    assert prompt_tokens(messages) == tokens


def test_the_definitions_of_tools_cost_as_well() -> None:
    tools = msgspec.Raw(b'[{"type":"function"}]')
    assert prompt_tokens([make_message("abcd")], tools) == FRAME + 1 + 6


def test_an_image_costs_the_same_however_it_is_given() -> None:
    small, large = image_part("https://example.org/a.png"), image_part("data:image/png;base64," + "A" * 10**6)
    assert prompt_tokens([make_message([small])]) == prompt_tokens([make_message([large])])


def test_an_estimate_says_that_it_is_one() -> None:
    usage = estimated_usage([make_message("abcd")], "12345678", tools=msgspec.Raw(b"[]"))
    assert usage == Usage(prompt_tokens=FRAME + 2, completion_tokens=2, estimated=True)


BOOKINGS = st.lists(
    st.builds(
        make_booking,
        st.builds(make_usage, st.integers(0, 99), st.integers(0, 99), estimated=st.booleans()),
        tenant=st.sampled_from([ACME, OTHER]),
        name=st.sampled_from("abc"),
    )
)


@given(bookings=BOOKINGS)
def test_the_sums_are_those_of_the_bookings(bookings: list[Booking]) -> None:
    book = UsageBook()
    for booking in bookings:
        book.book(booking)
    for tenant in (ACME, OTHER):
        own, spent = [b for b in bookings if b.tenant_id == tenant], book.spent(tenant).values()
        assert sum(entry.answers for entry in spent) == len(own)
        assert sum(entry.prompt_tokens for entry in spent) == sum(b.usage.prompt_tokens for b in own)
        assert sum(entry.completion_tokens for entry in spent) == sum(b.usage.completion_tokens for b in own)
        assert sum(entry.estimated_answers for entry in spent) == sum(b.usage.estimated for b in own)
