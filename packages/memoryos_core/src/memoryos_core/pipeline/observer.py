"""What the runner and the watch over the queue tell about their work, to whoever counts it."""

from typing import Literal, Protocol, TypeAlias

from memoryos_ports.events import QueueStats

Outcome: TypeAlias = Literal["stored", "failed", "put_off", "buried"]
"""What became of an event that was taken: applied; left after a failure of its own; given back because a dependency
was down or the process stopped; moved to the dead letters."""


class EventObserver(Protocol):
    """Is told what a runner does. Never waits, never raises."""

    def ended(self, outcome: Outcome, *, attempts: int, seconds: float) -> None:
        """Note the outcome of an event that was taken `seconds` ago, after so many attempts that ended."""
        ...

    def in_hand(self, events: int) -> None:
        """Note how many events are being applied."""
        ...

    def paused(self, paused: bool) -> None:
        """Note that no events are taken until every dependency answers, or that they are taken again."""
        ...


class QueueObserver(Protocol):
    """Is told the state of the queue now and then. Never waits, never raises."""

    def queue(self, stats: QueueStats) -> None:
        """Note what the log said."""
        ...


class Unobserved:
    """An `EventObserver` for who counts nothing."""

    def ended(self, outcome: Outcome, *, attempts: int, seconds: float) -> None:
        """Note nothing."""

    def in_hand(self, events: int) -> None:
        """Note nothing."""

    def paused(self, paused: bool) -> None:
        """Note nothing."""
