"""What a user has chosen: whether anything more is remembered."""

from collections import OrderedDict

import msgspec

from memoryos_core.lifecycle.refusals import Refusals
from memoryos_ports.clock import Clock
from memoryos_ports.errors import RememberOff
from memoryos_ports.ids import Scope

FRESH_S = 1.0
"""For how long an answer is taken for granted; that long another process may not know of a change."""

_MAX_KEPT = 10_000


class UserSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of a user. Without `remember` nothing new is kept; what is known is still recalled."""

    remember: bool = True


class Preferences:
    """Reads and writes the choices of users; an erasure leaves them as they are."""

    def __init__(self, *, refusals: Refusals, clock: Clock) -> None:
        self._refusals = refusals
        self._clock = clock
        self._known: OrderedDict[Scope, tuple[float, UserSettings]] = OrderedDict()

    async def get(self, scope: Scope) -> UserSettings:
        """Return what a user has chosen, at most FRESH_S seconds old."""
        read_at, known = self._known.get(scope, (0.0, None))
        now = self._clock.monotonic()
        if known is not None and 0 <= now - read_at < FRESH_S:
            return known
        off = await self._refusals.switched_off(scope)
        settings = UserSettings(remember=off is None or off.end is not None)
        self._known[scope] = (now, settings)
        while len(self._known) > _MAX_KEPT:
            self._known.popitem(last=False)
        return settings

    async def put(self, scope: Scope, settings: UserSettings) -> UserSettings:
        """Keep what a user chooses; what is accepted from now on obeys it."""
        await self._refusals.switch(scope, remember=settings.remember, at=self._clock.now())
        self.forget(scope)
        return settings

    async def require_remembering(self, scope: Scope) -> None:
        """Raise RememberOff when the user is not to be remembered."""
        if not (await self.get(scope)).remember:
            raise RememberOff

    def forget(self, scope: Scope) -> None:
        """Look again the next time."""
        self._known.pop(scope, None)
