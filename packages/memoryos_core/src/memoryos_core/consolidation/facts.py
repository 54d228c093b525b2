"""From statements to facts: what is added, said again, or followed by something newer. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, assert_never

import msgspec

from memoryos_core.extraction.lineage import Add, Closing, Decision, Nothing, Standing, Supersede, Update, decide
from memoryos_core.extraction.statement import Statement
from memoryos_core.extraction.words import normalise
from memoryos_ports.ids import MemoryId, fact_id
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Page, Source

TRUST: Final[Mapping[Source, float]] = {"chat": 1.0, "api": 0.8, "mcp": 0.8, "import": 0.6}
"""How far what a user said is believed, by the way on which it came: most where it was answered through us."""


class KnownFact(Fact, frozen=True, kw_only=True, tag="fact"):
    """A fact that also tells when its value was last said, not counting that it ended."""

    confirmed_at: datetime

    @classmethod
    def of(cls, fact: Fact, *, confirmed_at: datetime) -> "KnownFact":
        """Return a fact with the moment of its last confirmation."""
        return cls(**{**_fields(fact), "confirmed_at": confirmed_at})

    @property
    def bare(self) -> Fact:
        """The fact as it is stored."""
        return Fact(**{name: value for name, value in _fields(self).items() if name != "confirmed_at"})


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A statement with the page that told it, and which edition of the page that was."""

    statement: Statement
    page: Page
    edition: int = 0

    @property
    def fact_id(self) -> MemoryId:
        """The id of the fact that it makes where no other says the same."""
        return fact_id(self.page.scope, self.page.id, _signature(self))


class Ledger:
    """The facts of a scope while statements are entered; entering one twice is entering it once."""

    def __init__(self, known: Iterable[KnownFact] = ()) -> None:
        self._before = {fact.id: fact for fact in known}
        self._facts = dict(self._before)

    @property
    def facts(self) -> list[KnownFact]:
        """All facts as they are now."""
        return list(self._facts.values())

    @property
    def changed(self) -> list[KnownFact]:
        """The facts that are new, or other than they were."""
        return [fact for fact in self._facts.values() if fact != self._before.get(fact.id)]

    def enter(self, told: Told, *, now: datetime) -> None:
        """Take in what was told; what an agent is asked of its behaviour stays with that agent.

        What a person made of a fact stays, whatever the page that told it says.
        """
        made = _new_fact(told, now)
        known = self._facts.get(made.id)
        if known is not None and known.pinned:
            return
        rivals = [fact for fact in self._facts.values() if fact.agent_id == made.agent_id]
        self._carry_out(decide(told.statement, rivals), made)

    def remove(self, ids: Collection[MemoryId]) -> None:
        """Take facts out."""
        self._facts = {id_: fact for id_, fact in self._facts.items() if id_ not in ids}

    def replace(self, facts: Iterable[KnownFact]) -> None:
        """Put facts in the place of those with their ids."""
        self._facts |= {fact.id: fact for fact in facts}

    def _carry_out(self, decision: Decision, made: KnownFact) -> None:
        match decision:
            case Add(standing=standing):
                self.replace([standing_so(made, standing)])
            case Supersede(standing=standing, closed=closed):
                self.replace([standing_so(made, standing)])
                self.replace(closings(self._facts, closed, follower=made.id))
            case Update(fact=id_, closed=closed):
                self.replace([_said_again(self._facts[id_], decision, made)])
                self.replace(closings(self._facts, closed, follower=id_))
            case Nothing():
                pass
            case _ as never:
                assert_never(never)


def standing_so(fact: KnownFact, standing: Standing) -> KnownFact:
    """Return the fact with this validity."""
    return msgspec.structs.replace(
        fact,
        valid_from=standing.valid_from,
        confirmed_at=standing.confirmed_at,
        valid_to=standing.valid_to,
        superseded_by=standing.superseded_by,
    )


def closings(
    facts: Mapping[MemoryId, KnownFact], closed: Iterable[Closing], *, follower: MemoryId
) -> Iterator[KnownFact]:
    """Yield the facts that end because `follower`, or the one that is named, comes after them."""
    for closing in closed:
        yield msgspec.structs.replace(
            facts[closing.fact], valid_to=closing.valid_to, superseded_by=closing.superseded_by or follower
        )


def _said_again(fact: KnownFact, update: Update, made: KnownFact) -> KnownFact:
    return msgspec.structs.replace(
        standing_so(fact, update.standing),
        text=update.text,
        sources=update.sources,
        confidence=update.confidence,
        trust=max(fact.trust, made.trust),
        sensitive=fact.sensitive or made.sensitive,
    )


def _new_fact(told: Told, now: datetime) -> KnownFact:
    statement, page = told.statement, told.page
    return KnownFact(
        id=told.fact_id,
        scope=page.scope,
        text=statement.text,
        valid_from=statement.valid_from,
        confirmed_at=statement.valid_from,
        recorded_at=now,
        subject=statement.subject,
        slot=statement.slot,
        value=statement.value,
        speaker=statement.speaker,
        sources=(page.id,),
        trust=TRUST[page.source],
        confidence=statement.confidence,
        session_id=page.session_id,
        agent_id=page.agent_id if statement.subject == "agent" else None,
        sensitive=page.sensitive,
    )


def _signature(told: Told) -> str:
    """Return what tells a statement of a page from its others; its edition too, as ids of deleted facts stay taken."""
    statement = told.statement
    said = "" if statement.slot else normalise(statement.text)
    return msgspec.json.encode((*statement.key, said, told.edition)).decode()


def _fields(fact: Fact) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in fact.__struct_fields__}
