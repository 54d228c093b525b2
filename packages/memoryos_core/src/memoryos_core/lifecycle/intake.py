"""Taking in what a client asks to be remembered, as far as the user wants anything remembered."""

from contextlib import suppress

import msgspec

from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.preferences import Preferences
from memoryos_core.memory.ingest import Ingest
from memoryos_ports.clock import Clock
from memoryos_ports.errors import UpstreamError
from memoryos_ports.events import Receipt, TurnsEvent


class Intake:
    """The door of the memory interface; chats have their own."""

    def __init__(self, *, ingest: Ingest, preferences: Preferences, gate: ScopeGate, clock: Clock) -> None:
        self._ingest = ingest
        self._preferences = preferences
        self._gate = gate
        self._clock = clock

    async def accept(self, event: TurnsEvent, *, check_pages: bool = False) -> Receipt:
        """Make an event durable, as `Ingest.accept` does. Raises RememberOff when the user wants nothing remembered.

        Who cannot be asked for is taken to agree: it is looked at again before anything is applied.
        """
        with suppress(UpstreamError):
            await self._preferences.require_remembering(event.scope)
        async with self._gate.writing(event.scope) as waited:
            if waited:  # for an erasure, which drops what was accepted before it: this is accepted now
                event = msgspec.structs.replace(event, accepted_at=self._clock.now())
            return await self._ingest.accept(event, check_pages=check_pages)
