"""What was erased is not legible in the file either."""

from pathlib import Path

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.documents.sqlite import SCHEMA as DOCUMENTS
from memoryos_adapters.documents.sqlite import SqliteDocuments
from memoryos_adapters.due.sqlite import SCHEMA as DUE
from memoryos_adapters.due.sqlite import SqliteDue
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS
from memoryos_adapters.events.sqlite import SqliteEvents
from memoryos_adapters.short_term.sqlite import SCHEMA as SHORT_TERM
from memoryos_adapters.short_term.sqlite import SqliteShortTerm
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.ids import Scope, TenantId, UserId
from tests.contract.events.makers import NOW, make_event
from tests.contract.short_term.makers import make_page

SECRET = "quetzalcoatlus"
ZOE = Scope(tenant_id=TenantId("acme"), user_id=UserId("zoe-who-leaves"))


async def fill(db: SqliteDatabase) -> None:
    """Put the secret wherever a scope has text, dead letters and removed turns among it."""
    log = SqliteEvents(db, SystemClock())
    for event_id in ("stored", "dead", "queued"):
        await log.publish(make_event(f"{event_id}-{SECRET}", SECRET, scope=ZOE))
    stored, dead = await log.receive(limit=2, wait_s=0)
    await log.ack(stored)
    await log.bury(dead, error=SECRET)
    page = make_page(SECRET, scope=ZOE)
    await SqliteShortTerm(db).append([page])
    await SqliteShortTerm(db).remove(ZOE, [page.id])
    await SqliteShortTerm(db).append([make_page(f"{SECRET} again", scope=ZOE)])
    await SqliteDocuments(db, SystemClock()).put(ZOE, "profile", SECRET, SECRET.encode())
    await SqliteDue(db, SystemClock()).add(ZOE, at=NOW)


async def erase(db: SqliteDatabase) -> None:
    """Erase the scope everywhere."""
    await SqliteEvents(db, SystemClock()).erase(ZOE)
    await SqliteShortTerm(db).erase(ZOE)
    await SqliteDocuments(db, SystemClock()).erase(ZOE)
    await SqliteDue(db, SystemClock()).erase(ZOE)


def contents_of(directory: Path) -> bytes:
    """Return the bytes of every file of a directory."""
    return b"".join(path.read_bytes() for path in directory.iterdir())


async def test_nothing_of_an_erased_scope_is_left_in_the_closed_file(tmp_path: Path) -> None:
    schemas = [SHORT_TERM, EVENTS, DOCUMENTS, DUE]
    for job in (fill, erase):
        async with SqliteDatabase.open(tmp_path / "all.db", schemas=schemas) as db:
            await job(db)
        traces = [trace for trace in (SECRET, ZOE.user_id) if trace.encode() in contents_of(tmp_path)]
        assert traces == ([SECRET, ZOE.user_id] if job is fill else [])
