"""How hot a segment is: how often it is recalled, how much of it is not analysed yet, how lately it was touched."""

import math
from datetime import datetime

from memoryos_ports.knowledge import Segment

RECENCY_S = 1e7
"""The time constant µ of the recency, about 116 days (MemoryOS paper, section 3)."""


def heat(segment: Segment, now: datetime) -> float:
    """Return N_visit + L_interaction + exp(-Δt/µ), the paper's heat with all three weights 1.

    L_interaction counts the pages that are not analysed, so that a promoted segment cools. Δt is the time since the
    last visit or the newest page, whichever is later: heat is never stored, it falls as time passes.
    """
    touched = max(segment.last_visit, segment.timestamp)
    age_s = max(0.0, (now - touched).total_seconds())
    return segment.visits + len(segment.pending) + math.exp(-age_s / RECENCY_S)
