"""Identifiers: which outer ones are valid, and that derived ones never collide or change."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import (
    EventId,
    MemoryId,
    Scope,
    TenantId,
    UserId,
    check_id,
    chunk_id,
    derive_id,
    digest,
    page_id,
    scope_key,
)

FIELDS = st.lists(st.text(max_size=8) | st.integers(), max_size=5)

VALID = ["a", "0", "Ana", "user-1", "a.b:c@d+e|f=g_h-", "x" * 128, "1700000000000-0"]
INVALID = ["", " ", "-a", "_a", ".a", "a b", "a/b", "a\n", "\u00e9", "a\u0660", "x" * 129, "a\x00", "a#b", "a%20"]


@pytest.mark.parametrize("value", VALID)
def test_a_valid_id_is_returned(value: str) -> None:
    assert check_id(value, param="user_id") == value


@pytest.mark.parametrize("value", INVALID)
def test_an_invalid_id_names_its_field(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_id(value, param="user_id")
    assert caught.value.param == "user_id"


@given(FIELDS, FIELDS)
def test_other_fields_never_give_the_same_id(a: list[str | int], b: list[str | int]) -> None:
    assert (a == b) is (digest(*a) == digest(*b)) is (derive_id(*a) == derive_id(*b))


@given(st.lists(st.text(max_size=6), min_size=2, max_size=4), st.data())
def test_moving_a_border_between_fields_gives_another_id(fields: list[str], data: st.DataObject) -> None:
    joined = "".join(fields)
    cut = data.draw(st.integers(0, len(joined)))
    moved = [joined[:cut], joined[cut:]]
    assert (moved == fields) is (digest(*moved) == digest(*fields))


@pytest.mark.parametrize(("a", "b"), [(("ab", "c"), ("a", "bc")), ((1,), ("1",)), (("a",), ("a", "")), ((), ("",))])
def test_fields_are_prefixed_by_kind_and_length(a: tuple[str | int, ...], b: tuple[str | int, ...]) -> None:
    assert digest(*a) != digest(*b)


@given(FIELDS)
def test_a_derived_id_is_a_uuid_of_version_8(fields: list[str | int]) -> None:
    id_ = uuid.UUID(derive_id(*fields))
    assert (id_.version, id_.variant) == (8, uuid.RFC_4122)


SCOPE = Scope(tenant_id=TenantId("acme"), user_id=UserId("ana"))


def test_ids_of_what_is_stored_are_the_same_for_ever() -> None:
    """Recorded values: pages of existing data directories carry them."""
    page = page_id(SCOPE, EventId("e1"), 0)
    assert {
        "page": page,
        "chunk": chunk_id(page, 1),
        "scope": scope_key(SCOPE),
        "derived": derive_id("page", "\u8336", 7),
        "digest": digest("a", 1).hex()[:16],
    } == RECORDED


RECORDED = {
    "page": "f6ca6866-aedb-8553-b093-94f7bfc127f3",
    "chunk": "71724cc1-1092-8f07-9a1f-4b0f138c0faf",
    "scope": "652062781ddbeb559591122920eb328e",
    "derived": "aba171d6-f143-8579-82cd-6a077c79fa4d",
    "digest": "919759daf83ac5e8",
}


def test_the_first_chunk_is_the_page() -> None:
    page = MemoryId("p")
    assert chunk_id(page, 0) == page != chunk_id(page, 1) != chunk_id(page, 2)


def test_pages_differ_by_tenant_user_event_and_index() -> None:
    other_tenant = Scope(tenant_id=TenantId("other"), user_id=UserId("ana"))
    other_user = Scope(tenant_id=TenantId("acme"), user_id=UserId("bob"))
    ids = [
        page_id(scope, EventId(event), index)
        for scope in (SCOPE, other_tenant, other_user)
        for event in ("e1", "e2")
        for index in (0, 1)
    ]
    assert len(set(ids)) == len(ids)
    assert len({scope_key(scope) for scope in (SCOPE, other_tenant, other_user)}) == 3
