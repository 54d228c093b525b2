"""The memory routes: add, events, search, retrieve, list, get, delete."""

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Response

from memoryos_core.memory.context import ContextService
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.library import Library
from memoryos_core.memory.recall import Recall
from memoryos_gateway.routes.access import MemoryAccess
from memoryos_gateway.routes.memory_convert import (
    checked_limit,
    is_page_kind,
    session_of,
    to_add_answer,
    to_event,
    to_event_answer,
    to_hit,
    to_item,
    to_question,
)
from memoryos_gateway.routes.memory_schema import (
    AddAnswer,
    AddRequest,
    DeleteAnswer,
    EventAnswer,
    LongTerm,
    MemoryItem,
    MemoryList,
    RetrieveAnswer,
    RetrieveRequest,
    SearchAnswer,
    SearchRequest,
)
from memoryos_ports.clock import Clock
from memoryos_ports.ids import EventId, MemoryId, check_id


@post(
    "/v1/memory/add",
    status_code=202,
    media_type="application/json",
    responses={
        200: ResponseSpec(AddAnswer, description="Stored and searchable", generate_examples=False),
        500: ResponseSpec(AddAnswer, description="The event is dead", generate_examples=False),
    },
)
async def add_memory(
    data: JSONBody[AddRequest],
    access: NamedDependency[MemoryAccess],
    ingest: NamedDependency[Ingest],
    clock: NamedDependency[Clock],
) -> Response[AddAnswer]:
    """Remember turns. 202 when they are accepted (durable), 200 when `wait=searchable` saw them stored."""
    scope = access.scope("memory:write", data.user_id)
    event = to_event(
        data,
        scope,
        session_id=access.session_id(data.session_id),
        agent_id=access.agent_id(data.agent_id),
        now=clock.now(),
    )
    receipt = await ingest.accept(event, check_pages=data.event_id is not None)
    if data.wait == "searchable":
        receipt = await ingest.settled(event, receipt, timeout_s=data.wait_timeout_s)
    status = {"stored": 200 if data.wait == "searchable" else 202, "dead": 500}.get(receipt.state, 202)
    return Response(to_add_answer(receipt), status_code=status)


@get("/v1/memory/events/{event_id:str}")
async def get_event(
    event_id: FromPath[str],
    access: NamedDependency[MemoryAccess],
    ingest: NamedDependency[Ingest],
    user_id: FromQuery[str | None] = None,
) -> EventAnswer:
    """Return the receipt of an event."""
    scope = access.scope("memory:read", user_id)
    return to_event_answer(await ingest.receipt(scope, EventId(check_id(event_id, param="event_id"))))


@post("/v1/memory/search", status_code=200)
async def search_memory(
    data: JSONBody[SearchRequest], access: NamedDependency[MemoryAccess], recall: NamedDependency[Recall]
) -> SearchAnswer:
    """Search by meaning and by words, best first."""
    question = to_question(data, access.scope("memory:read", data.user_id))
    if data.kinds is not None and "page" not in data.kinds:
        return SearchAnswer(hits=[])
    hits = await recall.search(question)
    return SearchAnswer(hits=[to_hit(hit, explain=data.explain) for hit in hits[: data.limit]])


@post("/v1/memory/retrieve", status_code=200)
async def retrieve_memory(
    data: JSONBody[RetrieveRequest], access: NamedDependency[MemoryAccess], context: NamedDependency[ContextService]
) -> RetrieveAnswer:
    """Return what to put into a prompt for a query."""
    question = to_question(data, access.scope("memory:read", data.user_id))
    found = await context.gather(question, limit=data.limit, budget_tokens=data.budget_tokens)
    return RetrieveAnswer(
        short_term=[to_item(page) for page in found.short_term],
        mid_term=[to_hit(hit, explain=data.explain) for hit in found.hits],
        long_term=LongTerm(),
        context=found.text,
        tokens=found.tokens,
    )


@get("/v1/memory")
async def list_memory(
    access: NamedDependency[MemoryAccess],
    library: NamedDependency[Library],
    user_id: FromQuery[str | None] = None,
    kind: FromQuery[str | None] = None,
    session_id: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> MemoryList:
    """List memories, newest first."""
    scope = access.scope("memory:read", user_id)
    wanted = checked_limit(limit)
    if not is_page_kind(kind):
        return MemoryList(items=[], next_cursor=None)
    listed = await library.browse(scope, limit=wanted, cursor=cursor, session_id=session_of(session_id))
    return MemoryList(items=[to_item(page) for page in listed.pages], next_cursor=listed.next_cursor)


@get("/v1/memory/{memory_id:str}")
async def get_memory(
    memory_id: FromPath[str],
    access: NamedDependency[MemoryAccess],
    library: NamedDependency[Library],
    user_id: FromQuery[str | None] = None,
) -> MemoryItem:
    """Return one memory."""
    scope = access.scope("memory:read", user_id)
    return to_item(await library.get(scope, MemoryId(memory_id)))


@delete("/v1/memory/{memory_id:str}", status_code=200)
async def delete_memory(
    memory_id: FromPath[str],
    access: NamedDependency[MemoryAccess],
    library: NamedDependency[Library],
    user_id: FromQuery[str | None] = None,
) -> DeleteAnswer:
    """Delete one memory for good; says what went with it."""
    scope = access.scope("memory:write", user_id)
    return DeleteAnswer(deleted=list(await library.delete(scope, MemoryId(memory_id))))
