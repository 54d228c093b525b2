"""What each feature is worth.

Fitted on the open halves of LoCoMo and BEAM-100K; benchmarks/quality/README.md gives the command and the figures. All
but `verbatim`: no question there quotes a turn, and whoever quotes one wants that one.
"""

from collections.abc import Mapping
from types import MappingProxyType

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "cosine": 4.53,
        "words": 3.64,
        "window": 1.79,
        "agreement": -2.72,
        "next_cosine": 0.78,
        "answer_words": 1.53,
        "short_after": 3.88,
        "episode_cosine": 3.12,
        "episode_words": 2.10,
        "speaker": 2.51,
        "user": 4.04,
        "told": 3.59,
        "overview": 4.04,
        "instruction": 5.45,
        "preference": 2.19,
        "date": 4.71,
        "when": 2.29,
        "length": 3.88,
        "names": 0.84,
        "opening": 0.52,
        "reaction": -0.33,
        "verbatim": 9.0,
    }
)
"""By the name of the feature; every feature has one."""

MIDPOINT = 19.0
"""The sum that makes a score of one half: in half of the questions fitted, that of the tenth hit."""
