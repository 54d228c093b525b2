"""Cursors: what one was written for is read back, and nothing else is taken for one."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_ports.cursor import Position, position_of, read_cursor, write_cursor
from memoryos_ports.errors import InvalidInput
from tests.support.makers import make_page

HERE = position_of(make_page("tea"))


@given(st.integers(0, 2**31 - 1))
def test_a_cursor_is_read_back(index: int) -> None:
    position = msgspec.structs.replace(HERE, index=index)
    assert read_cursor(write_cursor(position)) == position


def _forged(*fields: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(fields)).rstrip(b"=").decode()


@pytest.mark.parametrize("index", [-1, 2**31, 2**63, 1.5, "1"])
def test_an_index_out_of_range_is_refused(index: object) -> None:
    forged = _forged(HERE.timestamp, HERE.accepted_at, index, HERE.id)
    with pytest.raises(InvalidInput) as caught:
        read_cursor(forged)
    assert caught.value.param == "cursor"


def test_positions_are_ordered_by_time_acceptance_index_and_id() -> None:
    later = Position(HERE.timestamp, HERE.accepted_at, HERE.index + 1, HERE.id)
    assert later > HERE
