"""When: the times that a text names, read against the moment of asking, without a model or a locale."""

from memoryos_core.times.period import Period
from memoryos_core.times.phrases import find_periods
from memoryos_core.times.words import asks_when, has_time_words

__all__ = ["Period", "asks_when", "find_periods", "has_time_words"]
