"""What an outage keeps from being written down of conversations, kept in mind until it is over.

An exchange is durable once the event log has it, an outbox included. What it makes known, which user turns are
remembered in which session, is written to the document store as well; while that is away it is kept here, and

- a request that comes meanwhile is planned by what is kept here alone (`turn_plan.plan_turn` with `away`);
- the first plan after the outage writes it down first (`catch_up`), so that the turns of the outage are known and the
  conversation goes on behind them: nothing is stored twice, and nothing is left out.

The runner writes the same again when it applies the events, which is all that is left when the process ends in an
outage, or when the next request comes to another gateway: until the events of the outage are applied their turns are
unknown there, and come again with the history that a client sends (`copies`).
"""

from collections.abc import Mapping, Sequence

import msgspec

from memoryos_core.chat.conversations import Chains
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_ports.documents import Change, DocumentKey
from memoryos_ports.events import TurnsEvent
from memoryos_ports.ids import EventId, Scope

MAX_EXCHANGES = 10_000
"""How many exchanges are kept in mind; beyond it those of the users who wait longest are left to the runner."""


class Unrecorded:
    """Exchanges that are durable, and not written down in their conversations."""

    def __init__(self, refusals: Refusals | None = None, *, max_exchanges: int = MAX_EXCHANGES) -> None:
        self._refusals = refusals
        self._max_exchanges = max_exchanges
        self._events: dict[Scope, dict[EventId, TurnsEvent]] = {}
        self._kept = 0
        self._notes = _Notes()
        self.chains = Chains(self._notes)
        """The conversations as far as these exchanges tell of them."""

    async def note(self, event: TurnsEvent) -> None:
        """Keep in mind what an exchange makes known; of its texts nothing."""
        while self._kept >= self._max_exchanges:
            self._drop(next(iter(self._events)))
        mine = self._events.setdefault(event.scope, {})
        self._kept += event.event_id not in mine
        mine[event.event_id] = _textless(event)
        await self.chains.record(event)

    async def catch_up(self, scope: Scope, chains: Chains) -> None:
        """Write down what is kept of a scope; what was erased, forgotten or refused since is not. Raises what the
        document store raises, and the rest is kept then.
        """
        mine = self._events.get(scope, {})
        for event in list(mine.values()):
            if self._refusals is None or not await self._refusals.cover(event):
                await chains.record(event)
            self._kept -= mine.pop(event.event_id, None) is not None
        if self._events.get(scope) == {}:
            self._drop(scope)

    def _drop(self, scope: Scope) -> None:
        self._kept -= len(self._events.pop(scope))
        self._notes.drop(scope)


class _Note(msgspec.Struct, frozen=True):
    body: bytes


class _Notes:
    """Notes in memory."""

    def __init__(self) -> None:
        self._notes: dict[Scope, dict[DocumentKey, _Note]] = {}

    async def get(self, scope: Scope, kind: str, ids: Sequence[str]) -> dict[str, _Note]:
        notes = self._notes.get(scope, {})
        return {id_: notes[kind, id_] for id_ in ids if (kind, id_) in notes}

    async def update(self, scope: Scope, changes: Mapping[DocumentKey, Change]) -> None:
        notes = self._notes.setdefault(scope, {})
        for key, change in changes.items():
            known = notes.get(key)
            notes[key] = _Note(change(known.body if known else None))

    def drop(self, scope: Scope) -> None:
        self._notes.pop(scope, None)


def _textless(event: TurnsEvent) -> TurnsEvent:
    messages = tuple(msgspec.structs.replace(message, content="", name=None) for message in event.messages)
    return msgspec.structs.replace(event, messages=messages, metadata={})
