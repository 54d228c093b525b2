"""`reasoning_details` that came in pieces are joined as OpenRouter wants them back."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.openrouter.details import details_of, join_details
from memoryos_ports.llm import ChatChunk


def joined(*details: dict[str, Any]) -> Any:
    """Return what is made of details that came one by one."""
    return msgspec.json.decode(join_details([[detail] for detail in details]))


def text(piece: str | None = None, *, index: int = 0, **fields: Any) -> dict[str, Any]:
    """Return one piece of a text."""
    return {"type": "reasoning.text", **({} if piece is None else {"text": piece}), "index": index, **fields}


def test_pieces_of_a_text_are_one_detail_with_its_signature() -> None:
    details = joined(text("Six ", format="f"), text("times ", format="f"), text(signature="s", format="f"))

    assert details == [text("Six times ", format="f", signature="s")]


def test_a_null_erases_nothing() -> None:
    assert joined(text("a", signature="s"), text("b", signature=None)) == [text("ab", signature="s")]


def test_pieces_of_a_summary_are_one_detail() -> None:
    pieces = [{"type": "reasoning.summary", "summary": piece, "index": 0} for piece in ("a", "b")]

    assert joined(*pieces) == [{"type": "reasoning.summary", "summary": "ab", "index": 0}]


def test_each_index_and_each_type_is_a_detail_of_its_own_in_their_order() -> None:
    encrypted = {"type": "reasoning.encrypted", "data": "x", "index": 0}

    details = joined(text("a"), text("b", index=1), encrypted, text("c"))

    assert details == [text("ac"), text("b", index=1), encrypted]


def test_encrypted_details_are_never_joined() -> None:
    calls = [{"type": "reasoning.encrypted", "data": "x", "id": f"call_{n}", "index": 0} for n in (1, 2)]

    assert joined(*calls) == calls


def test_details_without_an_index_are_never_joined() -> None:
    details = [{"type": "reasoning.text", "text": piece} for piece in ("a", "b")]

    assert joined(*details) == details


@pytest.mark.parametrize("odd", [[], {"a": 1}, None, 1.5, True])
def test_a_type_and_an_index_may_be_anything(odd: Any) -> None:
    assert joined({"type": odd, "text": "a", "index": odd}, {"type": odd, "text": "b", "index": odd}) == [
        {"type": odd, "text": "ab", "index": odd}
    ]


def test_what_came_is_left_as_it_was() -> None:
    first = text("a")

    joined(first, text("b"))

    assert first == text("a")


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (b'{"choices":[{"index":1,"delta":{"reasoning_details":[{"index":0}]}}]}', [(1, [{"index": 0}])]),
        (b'{"choices":[{"message":{"reasoning_details":[{"a":1}]}}]}', [(0, [{"a": 1}])]),
        (b'{"choices":[{"delta":{"reasoning_details":[]}}]}', []),
        (b'{"choices":[{"delta":{"reasoning_details":null}}]}', []),
        (b'{"choices":[{"delta":{"reasoning_details":"odd"}}]}', []),
        (b'{"choices":[{"delta":{"content":"reasoning_details"}}]}', []),
        (None, []),
    ],
)
def test_details_are_read_from_the_wire(wire: bytes | None, expected: list[Any]) -> None:
    chunk = ChatChunk(id="1", created=1, model="m", wire=wire)

    assert list(details_of(chunk)) == expected
