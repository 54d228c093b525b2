"""What every document store promises."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memoryos_ports.documents import Change, Document, DocumentStore
from memoryos_ports.errors import UpstreamProtocolError, VersionConflict
from memoryos_ports.ids import Scope, TenantId, UserId
from tests.contract.documents.stores import NOW, Opener

ANA = Scope(tenant_id=TenantId("acme"), user_id=UserId("ana"))
OTHERS = (
    Scope(tenant_id=TenantId("acme"), user_id=UserId("bob")),
    Scope(tenant_id=TenantId("other"), user_id=UserId("ana")),
)


def make_document(id: str = "main", *, kind: str = "profile", version: int = 1, body: bytes = b"{}") -> Document:
    """Return the document as a store should give it back."""
    return Document(kind=kind, id=id, version=version, body=body, updated_at=NOW)


async def test_put_returns_the_document_as_it_is_stored(store: DocumentStore) -> None:
    put = await store.put(ANA, "profile", "main", b"tea \x00\xff")
    assert put == make_document(body=b"tea \x00\xff")
    assert await store.get(ANA, "profile", ["main"]) == {"main": put}


async def test_get_returns_those_that_exist(store: DocumentStore) -> None:
    await store.put(ANA, "profile", "a", b"1")
    await store.put(ANA, "profile", "b", b"2")
    found = await store.get(ANA, "profile", ["b", "nope", "a", "a"])
    assert found == {"a": make_document("a", body=b"1"), "b": make_document("b", body=b"2")}


async def test_get_of_no_ids_is_empty(store: DocumentStore) -> None:
    assert await store.get(ANA, "profile", []) == {}


async def test_version_counts_the_writes_from_one(store: DocumentStore) -> None:
    versions = [(await store.put(ANA, "profile", "main", b"x")).version for _ in range(3)]
    assert versions == [1, 2, 3]


async def test_put_without_an_expected_version_overwrites(store: DocumentStore) -> None:
    await store.put(ANA, "profile", "main", b"old")
    await store.put(ANA, "profile", "main", b"new")
    assert await store.get(ANA, "profile", ["main"]) == {"main": make_document(version=2, body=b"new")}


@pytest.mark.parametrize(("existing", "expected"), [(0, 0), (1, 1), (3, 3)])
async def test_put_at_the_expected_version_is_taken(store: DocumentStore, existing: int, expected: int) -> None:
    for _ in range(existing):
        await store.put(ANA, "profile", "main", b"old")
    put = await store.put(ANA, "profile", "main", b"new", expected_version=expected)
    assert put == make_document(version=existing + 1, body=b"new")


@pytest.mark.parametrize(("existing", "expected"), [(1, 0), (0, 1), (2, 1), (2, 3)])
async def test_put_at_another_version_changes_nothing(store: DocumentStore, existing: int, expected: int) -> None:
    for _ in range(existing):
        await store.put(ANA, "profile", "main", b"old")
    before = await store.get(ANA, "profile", ["main"])
    with pytest.raises(VersionConflict) as caught:
        await store.put(ANA, "profile", "main", b"new", expected_version=expected)
    facts = (caught.value.kind, caught.value.identifier, caught.value.expected, caught.value.found)
    assert facts == ("profile", "main", expected, existing)
    assert await store.get(ANA, "profile", ["main"]) == before


def _appending(text: bytes) -> Change:
    return lambda body: (body or b"") + text


async def test_update_changes_several_documents_at_once(store: DocumentStore) -> None:
    await store.put(ANA, "profile", "main", b"a")
    await store.update(ANA, {("profile", "main"): _appending(b"b"), ("turn", "t1"): _appending(b"c")})
    assert await store.get(ANA, "profile", ["main"]) == {"main": make_document(version=2, body=b"ab")}
    assert await store.get(ANA, "turn", ["t1"]) == {"t1": make_document("t1", kind="turn", body=b"c")}
    for other in OTHERS:
        assert await store.get(other, "turn", ["t1"]) == {}


async def test_update_does_not_write_what_stays_the_same(store: DocumentStore) -> None:
    await store.put(ANA, "profile", "main", b"a")
    await store.update(ANA, {("profile", "main"): _appending(b"")})
    assert await store.get(ANA, "profile", ["main"]) == {"main": make_document(body=b"a")}


async def test_update_is_all_or_nothing(store: DocumentStore) -> None:
    def refuse(body: bytes | None) -> bytes:
        raise UpstreamProtocolError(upstream="documents")

    with pytest.raises(UpstreamProtocolError):
        await store.update(ANA, {("profile", "main"): _appending(b"b"), ("turn", "t1"): refuse})
    assert await store.get(ANA, "profile", ["main"]) == {}


async def test_updates_at_once_lose_nothing(store: DocumentStore) -> None:
    await asyncio.gather(*(store.update(ANA, {("turn", "t1"): _appending(b"x")}) for _ in range(50)))
    assert (await store.get(ANA, "turn", ["t1"]))["t1"].body == b"x" * 50


async def test_documents_of_one_scope_never_show_in_another(store: DocumentStore) -> None:
    mine = await store.put(ANA, "profile", "main", b"ana's")
    for other in OTHERS:
        assert await store.get(other, "profile", ["main"]) == {}
        assert await store.list_documents(other, "profile", limit=10) == []
        assert await store.delete(other, "profile", ["main"]) == 0
        await store.put(other, "profile", "main", b"theirs", expected_version=0)
    assert await store.get(ANA, "profile", ["main"]) == {"main": mine}


async def test_scopes_whose_joined_names_are_alike_are_apart(store: DocumentStore) -> None:
    left = Scope(tenant_id=TenantId("a:b"), user_id=UserId("c"))
    right = Scope(tenant_id=TenantId("a"), user_id=UserId("b:c"))
    await store.put(left, "profile", "main", b"left")
    assert await store.get(right, "profile", ["main"]) == {}


async def test_documents_of_one_kind_never_show_in_another(store: DocumentStore) -> None:
    await store.put(ANA, "profile", "main", b"1")
    assert await store.get(ANA, "settings", ["main"]) == {}
    assert await store.list_documents(ANA, "settings", limit=10) == []
    assert await store.delete(ANA, "settings", ["main"]) == 0


async def test_list_is_in_order_of_id(store: DocumentStore) -> None:
    for id in ("b", "a10", "a", "B", "a2"):
        await store.put(ANA, "fact", id, b"")
    listed = await store.list_documents(ANA, "fact", limit=10)
    assert listed == [make_document(id, kind="fact", body=b"") for id in ("B", "a", "a10", "a2", "b")]


async def test_list_goes_on_after_an_id(store: DocumentStore) -> None:
    for id in ("a", "b", "c", "d"):
        await store.put(ANA, "fact", id, b"")
    first = await store.list_documents(ANA, "fact", limit=2)
    second = await store.list_documents(ANA, "fact", limit=2, after=first[-1].id)
    end = await store.list_documents(ANA, "fact", limit=2, after=second[-1].id)
    assert [[document.id for document in page] for page in (first, second, end)] == [["a", "b"], ["c", "d"], []]


async def test_list_goes_on_after_an_id_that_is_gone(store: DocumentStore) -> None:
    for id in ("a", "c"):
        await store.put(ANA, "fact", id, b"")
    assert [document.id for document in await store.list_documents(ANA, "fact", limit=2, after="b")] == ["c"]


async def test_delete_returns_how_many_existed(store: DocumentStore) -> None:
    for id in ("a", "b", "c"):
        await store.put(ANA, "fact", id, b"")
    assert await store.delete(ANA, "fact", ["a", "c", "nope", "a"]) == 2
    assert await store.delete(ANA, "fact", ["a", "c"]) == 0
    assert await store.delete(ANA, "fact", []) == 0
    assert [document.id for document in await store.list_documents(ANA, "fact", limit=10)] == ["b"]


async def test_a_deleted_document_may_be_made_anew(store: DocumentStore) -> None:
    await store.put(ANA, "profile", "main", b"old")
    await store.delete(ANA, "profile", ["main"])
    assert await store.put(ANA, "profile", "main", b"new", expected_version=0) == make_document(body=b"new")


async def test_erasing_removes_the_documents_of_every_kind(store: DocumentStore) -> None:
    for kind, id in (("profile", "main"), ("fact", "a"), ("fact", "b")):
        await store.put(ANA, kind, id, b"")
    assert await store.erase(ANA) == 3
    assert await store.get(ANA, "profile", ["main"]) == {}
    assert await store.list_documents(ANA, "fact", limit=10) == []
    assert await store.erase(ANA) == 0


async def test_erasing_one_scope_leaves_the_others(store: DocumentStore) -> None:
    await store.put(ANA, "profile", "main", b"ana's")
    theirs = {scope: await store.put(scope, "profile", "main", b"theirs") for scope in OTHERS}
    await store.erase(ANA)
    for scope, document in theirs.items():
        assert await store.get(scope, "profile", ["main"]) == {"main": document}


async def test_versions_begin_anew_after_an_erasure(store: DocumentStore) -> None:
    await store.put(ANA, "profile", "main", b"old")
    await store.put(ANA, "profile", "main", b"older")
    await store.erase(ANA)
    assert await store.put(ANA, "profile", "main", b"new", expected_version=0) == make_document(body=b"new")


async def test_what_was_erased_is_gone_after_a_restart(durable_opener: Opener, tmp_path: Path) -> None:
    async with durable_opener(tmp_path) as store:
        await store.put(ANA, "profile", "main", b"old")
        await store.erase(ANA)
    async with durable_opener(tmp_path) as store:
        assert await store.get(ANA, "profile", ["main"]) == {}


async def test_many_ids_are_looked_up_at_once(store: DocumentStore) -> None:
    ids = [f"id-{number}" for number in range(5_000)]
    await store.put(ANA, "fact", ids[-1], b"")
    assert list(await store.get(ANA, "fact", ids)) == [ids[-1]]


async def test_ping_returns_when_the_store_answers(store: DocumentStore) -> None:
    await store.ping()


async def test_what_was_put_is_there_after_a_restart(durable_opener: Opener, tmp_path: Path) -> None:
    async with durable_opener(tmp_path) as store:
        put = await store.put(ANA, "profile", "main", b"kept")
    async with durable_opener(tmp_path) as store:
        assert await store.get(ANA, "profile", ["main"]) == {"main": put}


IDS = st.sampled_from(["a", "b"])
PUTS = st.tuples(IDS, st.binary(max_size=3), st.none() | st.integers(0, 3))
STEPS = st.lists(PUTS | IDS, max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_any_sequence_of_writes_agrees_with_a_dict(
    opener: Opener, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes, int | None] | str]
) -> None:
    model: dict[str, Document] = {}
    async with opener(tmp_path_factory.mktemp("store")) as store:
        for step in steps:
            if isinstance(step, str):
                assert await store.delete(ANA, "fact", [step]) == (model.pop(step, None) is not None)
                continue
            id, body, expected = step
            found = model[id].version if id in model else 0
            if expected is None or expected == found:
                model[id] = make_document(id, kind="fact", version=found + 1, body=body)
                assert await store.put(ANA, "fact", id, body, expected_version=expected) == model[id]
            else:
                with pytest.raises(VersionConflict):
                    await store.put(ANA, "fact", id, body, expected_version=expected)
        assert await store.list_documents(ANA, "fact", limit=10) == [model[id] for id in sorted(model)]
