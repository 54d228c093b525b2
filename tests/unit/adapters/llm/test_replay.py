"""What a provider wants back is found under its call, by its owner, as long as there is room."""

import pytest

from memoryos_adapters.llm.replay import ReplayCache, digest_of
from memoryos_ports.llm import ToolCall


def test_what_was_kept_is_found_under_each_of_its_calls() -> None:
    cache = ReplayCache()

    cache.keep("ada", ["call_1", "call_2"], b"thoughts")

    assert cache.find("ada", "call_1") == cache.find("ada", "call_2") == b"thoughts"
    assert cache.find("ada", "call_3") is None


def test_another_owner_finds_nothing() -> None:
    cache = ReplayCache()

    cache.keep("ada", ["call_1"], b"thoughts")

    assert cache.find("bob", "call_1") is None
    assert cache.find("", "call_1") is None


def test_the_names_of_owner_and_call_do_not_run_together() -> None:
    cache = ReplayCache()

    cache.keep("ada", ["xcall_1"], b"thoughts")

    assert cache.find("adax", "call_1") is None


def test_the_oldest_goes_when_there_are_too_many() -> None:
    cache = ReplayCache(max_entries=2)

    for call_id in ("call_1", "call_2", "call_3"):
        cache.keep("ada", [call_id], b"x")

    assert [cache.find("ada", f"call_{n}") for n in (1, 2, 3)] == [None, b"x", b"x"]


def test_the_oldest_go_when_they_hold_too_much() -> None:
    cache = ReplayCache(max_bytes=10)

    cache.keep("ada", ["call_1"], b"x" * 5)
    cache.keep("ada", ["call_2"], b"x" * 5)
    cache.keep("ada", ["call_3"], b"x" * 6)

    assert [cache.find("ada", f"call_{n}") is not None for n in (1, 2, 3)] == [False, False, True]


def test_what_was_kept_for_an_owner_is_forgotten_and_makes_room() -> None:
    cache = ReplayCache(max_bytes=10)
    cache.keep("ada", ["call_1", "call_2"], b"x" * 4)
    cache.keep("adam", ["call_1"], b"y" * 2)

    cache.forget("ada")
    cache.keep("adam", ["call_2"], b"z" * 8)

    assert [cache.find("ada", call_id) for call_id in ("call_1", "call_2")] == [None, None]
    assert [cache.find("adam", call_id) for call_id in ("call_1", "call_2")] == [b"y" * 2, b"z" * 8]


def test_what_is_kept_again_is_replaced_and_counted_once() -> None:
    cache = ReplayCache(max_bytes=10)

    for _ in range(5):
        cache.keep("ada", ["call_1"], b"x" * 4)
    cache.keep("ada", ["call_2"], b"y" * 6)

    assert (cache.find("ada", "call_1"), cache.find("ada", "call_2")) == (b"xxxx", b"yyyyyy")


def test_what_is_kept_again_is_the_newest() -> None:
    cache = ReplayCache(max_entries=2)

    for call_id in ("call_1", "call_2", "call_1", "call_3"):
        cache.keep("ada", [call_id], b"x")

    assert [cache.find("ada", f"call_{n}") for n in (1, 2, 3)] == [b"x", None, b"x"]


def test_what_is_too_large_is_not_kept_and_drives_nothing_out() -> None:
    cache = ReplayCache(max_bytes=10)

    cache.keep("ada", ["call_1"], b"x")
    cache.keep("ada", ["call_2"], b"x" * 11)

    assert (cache.find("ada", "call_1"), cache.find("ada", "call_2")) == (b"x", None)


def called(arguments: str, *, name: str = "search") -> bytes:
    """Return the digest of one call."""
    return digest_of([ToolCall(id="functions.search:0", name=name, arguments=arguments)])


def test_calls_that_share_an_id_are_told_apart_by_what_was_called() -> None:
    cache = ReplayCache()

    cache.keep("ada", ["call_1"], b"here", said=called('{"q":"here"}'))
    cache.keep("ada", ["call_1"], b"there", said=called('{"q":"there"}'))

    assert cache.find("ada", "call_1", said=called('{"q":"here"}')) == b"here"
    assert cache.find("ada", "call_1", said=called('{"q":"there"}')) == b"there"
    assert cache.find("ada", "call_1", said=called('{"q":"where"}')) is None


@pytest.mark.parametrize(
    ("arguments", "again"),
    [
        ('{"b": [1.0, 2.5], "a": "\\u00e9"}', '{"a":"é","b":[1,2.5]}'),
        ("", "{}"),
        (" {} ", "{}"),
        ("{broken", "{broken"),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_what_was_called_is_the_same_however_its_json_is_written(arguments: str, again: str) -> None:
    assert called(arguments) == called(again)


@pytest.mark.parametrize(
    ("arguments", "other"), [('{"a":1}', '{"a":2}'), ('{"a":1}', '{"a":"1"}'), ("{broken", "{broken "), ("null", "{}")]
)
def test_other_arguments_are_another_call(arguments: str, other: str) -> None:
    assert called(arguments) != called(other)


def test_another_function_is_another_call() -> None:
    assert called("{}", name="f") != called("{}", name="g")
