"""The core library alone: rank what a store of your own found, and pack it into a prompt."""

from datetime import UTC, datetime

from memoryos_core.memory.block import line_tokens, render_block
from memoryos_core.memory.ingest import pages_of
from memoryos_core.memory.pack import fit_to_budget
from memoryos_core.ranking.ranker import rank
from memoryos_ports.events import EventMessage, TurnsEvent
from memoryos_ports.ids import EventId, TenantId, UserId
from memoryos_ports.memory import Candidate, Chunk

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
turns = [EventMessage(role="user", content=text, timestamp=NOW) for text in ("Porto is lovely", "Walnuts make me ill")]
event = TurnsEvent(
    v=1,
    event_id=EventId("e1"),
    tenant_id=TenantId("acme"),
    user_id=UserId("ana"),
    messages=tuple(turns),
    source="api",
    accepted_at=NOW,
)
porto, walnuts = pages_of(event)
whole = Chunk(number=0, start=0, end=19)
hits = rank("Which nuts must I avoid?", [
    Candidate(page=porto, chunk=whole, cosine=0.1),
    Candidate(page=walnuts, chunk=whole, cosine=0.6, words={1: 2.5}),
], asked_at=NOW)  # fmt: skip
near = [hit for hit in hits if hit.cosine > 0.3]
print(render_block(fit_to_budget(near, budget_tokens=60, cost=line_tokens)))  # noqa: T201
