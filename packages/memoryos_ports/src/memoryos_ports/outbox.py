"""The promise of the outbox: what was accepted while the event log was away is delivered when it is back."""

from typing import Final, Protocol, runtime_checkable

import msgspec

from memoryos_ports.events import Published

OUTBOX: Final = "the outbox"
"""What an Overloaded names that says the outbox has no room."""


class Held(Published, frozen=True, kw_only=True):
    """A publication that an outbox took: the log does not have it yet."""


class OutboxState(msgspec.Struct, frozen=True, kw_only=True):
    """`waiting` events are still to be delivered; `dead` ones cannot be read, by this version at least."""

    waiting: int
    dead: int = 0


@runtime_checkable
class Outbox(Protocol):
    """Holds events in front of an event log; what it took survives a kill of the process."""

    async def state(self) -> OutboxState:
        """Return what is in it. Raises UpstreamUnavailable when its file cannot be read."""
        ...

    async def run(self) -> None:
        """Deliver what waits, whenever the log can be reached; for ever, until cancelled."""
        ...

    async def drain(self, *, timeout_s: float) -> int:
        """Return how many wait once none does, the log cannot be reached, or `timeout_s` seconds are over.

        Somebody must be in `run` meanwhile.
        """
        ...
