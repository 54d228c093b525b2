"""A log of entries that somebody typed, on the loop's own time, which notes what becomes of them."""

import asyncio
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from memoryos_core.pipeline.observer import Outcome
from memoryos_core.pipeline.runner import Runner
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import Delivery, Event
from tests.support.makers import make_event
from tests.support.memory_stack import FixedClock


def typed(*payloads: bytes) -> list[Delivery]:
    """Return deliveries of these payloads, under the handles 0-0, 1-0, ..."""
    return [Delivery(handle=f"{n}-0", payload=payload, attempts=0) for n, payload in enumerate(payloads)]


def published(*event_ids: str) -> list[Delivery]:
    """Return deliveries of events, each under its event_id as its handle."""
    return [Delivery(handle=id_, payload=encode_event(make_event(id_)), attempts=0) for id_ in event_ids]


class Entries:
    """As much of an `EventLog` as a runner asks. What is left is handed out again after its rest.

    `errors` says what a method raises for a handle, whenever it is called.
    """

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self._due = [(0.0, delivery) for delivery in deliveries]
        self._open = {delivery.handle for delivery in deliveries}
        self.errors: dict[tuple[str, str], Exception] = {}
        self.limits: list[int] = []
        self.received = asyncio.Event()
        self.settled = asyncio.Event()
        self.acknowledged: list[str] = []
        self.buried: dict[str, str] = {}
        self.left: list[Delivery] = []

    @property
    def waiting(self) -> dict[str, int]:
        """The attempts of every entry that is not in hand, acknowledged or buried."""
        return {delivery.handle: delivery.attempts for _, delivery in self._due}

    async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Return what is due, after `wait_s` at the latest."""
        self.limits.append(limit)
        self.received.set()
        if not self._are_due():
            rest_s = min((due for due, _ in self._due), default=float("inf")) - _now()
            await asyncio.sleep(min(wait_s, rest_s))
        taken = self._are_due()[:limit]
        self._due = [entry for entry in self._due if entry[1] not in taken]
        return taken

    async def ack(self, delivery: Delivery) -> None:
        """Note an acknowledgement."""
        self._meet("ack", delivery)
        self.acknowledged.append(delivery.handle)
        self._settle(delivery)

    async def leave(self, delivery: Delivery, *, error: str, retry_in_s: float, attempted: bool = True) -> None:
        """Hand it out again later."""
        self._meet("leave", delivery)
        again = replace(delivery, attempts=delivery.attempts + attempted)
        self.left.append(again)
        self._due.append((_now() + retry_in_s, again))

    async def bury(self, delivery: Delivery, *, error: str) -> None:
        """Note the reason."""
        self._meet("bury", delivery)
        self.buried[delivery.handle] = error
        self._settle(delivery)

    def _are_due(self) -> list[Delivery]:
        return [delivery for due, delivery in self._due if due <= _now()]

    def _meet(self, method: str, delivery: Delivery) -> None:
        if error := self.errors.get((method, delivery.handle)):
            raise error

    def _settle(self, delivery: Delivery) -> None:
        self._open.discard(delivery.handle)
        if not self._open:
            self.settled.set()


class Dependencies:
    """What the events need, and what its probe says; it notes when which event was tried, in seconds of the test."""

    def __init__(self) -> None:
        self.error_of: Callable[[str], Exception | None] = lambda _: None
        self.probe_error: Exception | None = None
        self.hanging: set[str] = set()
        self.tries: list[tuple[float, str]] = []

    async def apply(self, event: Event) -> None:
        """Apply an event, unless told otherwise."""
        self.tries.append((_now(), event.event_id))
        if event.event_id in self.hanging:
            await asyncio.Event().wait()
        if error := self.error_of(event.event_id):
            raise error

    async def probe(self) -> None:
        """Answer, unless told otherwise."""
        if self.probe_error is not None:
            raise self.probe_error


class Notes:
    """An observer that writes down what it is told."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[Outcome, int]] = []
        self.seconds: list[float] = []
        self.pauses: list[bool] = []
        self.hands: list[int] = []

    def ended(self, outcome: Outcome, *, attempts: int, seconds: float) -> None:
        """Note an outcome."""
        self.outcomes.append((outcome, attempts))
        self.seconds.append(seconds)

    def in_hand(self, events: int) -> None:
        """Note a number."""
        self.hands.append(events)

    def paused(self, paused: bool) -> None:
        """Note a change."""
        self.pauses.append(paused)


class LoopClock(FixedClock):
    """A clock whose seconds are the loop's."""

    def monotonic(self) -> float:
        """Return the seconds of the test."""
        return _now()


def make_runner(
    entries: Entries,
    needs: Dependencies,
    *,
    observer: Notes | None = None,
    concurrency: int = 32,
    batch: int = 32,
    wait_s: float = 5.0,
) -> Runner:
    """Return a runner over typed entries, with the policy of the real one."""
    return Runner(
        events=entries,  # type: ignore[arg-type]  # as much of a log as it asks
        handlers=needs,
        probes=[needs.probe],
        clock=LoopClock(),
        observer=observer,
        concurrency=concurrency,
        batch=batch,
        wait_s=wait_s,
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
