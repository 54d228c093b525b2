"""What searches keep of a shard: each point once, until it is written again or there is too much of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from memoryos_adapters.storage.edge_index import EdgeIndex
from memoryos_adapters.storage.edge_points import Points
from memoryos_adapters.storage.edge_shard import open_shard
from memoryos_adapters.storage.inserting import insert
from tests.contract.storage.indexes import NORTH, STAMP, UP, make_entry, make_page

LARGE = [make_page(f"large {number}", "tea " * (3 * 2**18)) for number in range(3)]
SMALL = make_page("small", "green tea")


@pytest.fixture
def points(tmp_path: Path) -> Iterator[Points]:
    shard = open_shard(tmp_path, STAMP, reserve_bytes=0)
    index = EdgeIndex(shard, tmp_path, STAMP, reserve_bytes=0)
    index.run(insert([[*(make_entry(page, NORTH) for page in LARGE), make_entry(SMALL, UP, NORTH)]], "claim"))
    yield Points(shard)
    index.close()


def test_a_point_says_what_memory_it_is(points: Points) -> None:
    points.read([SMALL.id, make_page("unknown").id])

    known = points[SMALL.id]
    assert (known.memory, known.owner, known.chunk.number, len(known.words)) == (SMALL, SMALL.id, 0, 2)
    assert len(known.points) == 2
    assert make_page("unknown").id not in points


def test_a_further_chunk_says_whose_it_is(points: Points) -> None:
    points.read([SMALL.id])
    chunk = points[SMALL.id].points[1]

    points.read([chunk])

    assert (points[chunk].memory, points[chunk].owner, points[chunk].chunk.number) == (None, SMALL.id, 1)


def test_what_is_forgotten_can_be_read_again(points: Points) -> None:
    points.read([SMALL.id])

    points.forget([SMALL.id, LARGE[0].id])

    assert SMALL.id not in points
    points.read([SMALL.id])
    assert points[SMALL.id].memory == SMALL


def test_room_is_made_of_what_was_read_longest_ago(points: Points) -> None:
    points.read([LARGE[0].id])
    points.read([SMALL.id, LARGE[1].id, LARGE[2].id])
    assert LARGE[0].id in points, "all that one search reads stays until its end"

    points.make_room()

    assert [page.id in points for page in (*LARGE, SMALL)] == [False, True, True, True]
