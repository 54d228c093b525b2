"""Heat: it falls as time passes, and with what was analysed."""

from datetime import timedelta

import pytest

from memoryos_core.consolidation.heat import RECENCY_S, heat
from memoryos_ports.ids import MemoryId
from memoryos_ports.knowledge import Segment
from tests.support.makers import ANA, NOON

PAGES = tuple(MemoryId(f"p{number}") for number in range(4))
FRESH = Segment(
    id=MemoryId("s"),
    scope=ANA,
    text="",
    timestamp=NOON,
    started_at=NOON,
    accepted_at=NOON,
    last_visit=NOON,
    pages=PAGES,
    pending=PAGES,
    visits=2,
)


def test_heat_is_visits_and_pending_pages_and_recency() -> None:
    assert heat(FRESH, NOON) == 2 + 4 + 1


@pytest.mark.parametrize(("age_s", "recency"), [(RECENCY_S, 0.36788), (5 * RECENCY_S, 0.00674), (-60, 1.0)])
def test_heat_decays_though_nothing_happens(age_s: float, recency: float) -> None:
    """That of the reference implementation was stored, and never fell."""
    assert heat(FRESH, NOON + timedelta(seconds=age_s)) == pytest.approx(6 + recency, abs=1e-5)
