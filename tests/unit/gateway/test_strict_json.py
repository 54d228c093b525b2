"""JSON that can be read in one way only: a key that stands twice is found wherever and however it is written."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_gateway.strict_json import decode_strictly
from memoryos_ports.errors import InvalidInput

_any = msgspec.json.Decoder()

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4))
_SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])


@given(value=_VALUES, separators=_SEPARATORS, ascii_only=st.booleans())
def test_whatever_has_no_key_twice_is_decoded(value: Any, separators: tuple[str, str], ascii_only: bool) -> None:
    body = json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode()

    assert decode_strictly(_any, body) == value


@given(inner=_VALUES, outer=_VALUES, key=_TEXTS, separators=_SEPARATORS, ascii_only=st.booleans())
def test_a_key_that_stands_twice_is_refused_wherever_it_stands(
    inner: Any, outer: Any, key: str, separators: tuple[str, str], ascii_only: bool
) -> None:
    def written(value: Any) -> str:
        return json.dumps(value, separators=separators, ensure_ascii=ascii_only)

    twice = f"{{{written(key)}:{written(inner)},{written(key)}:{written(outer)}}}"
    body = f'[{written(outer)},{{"x":[{twice}]}}]'.encode()

    with pytest.raises(InvalidInput) as caught:
        decode_strictly(_any, body)
    assert caught.value.param == f"[1].x[0].{key}"


def test_what_does_not_fit_its_type_is_for_the_caller_to_explain() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_strictly(msgspec.json.Decoder(list[int]), b"{}")
