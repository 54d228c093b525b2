"""The memory routes: add, events, search, retrieve, list, get."""

from contextlib import suppress

from litestar import get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Response

from memoryos_core.lifecycle.intake import Intake
from memoryos_core.memory.context import ContextService
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.library import Library
from memoryos_core.memory.recall import Recall
from memoryos_gateway.routes.access import MemoryAccess
from memoryos_gateway.routes.memory_convert import (
    checked_kind,
    checked_limit,
    session_of,
    to_add_answer,
    to_event,
    to_event_answer,
    to_question,
)
from memoryos_gateway.routes.memory_items import MemoryItem, merged_hits, to_item
from memoryos_gateway.routes.memory_schema import (
    AddAnswer,
    AddRequest,
    EventAnswer,
    LongTerm,
    MemoryList,
    RetrieveAnswer,
    RetrieveRequest,
    SearchAnswer,
    SearchRequest,
)
from memoryos_gateway.routes.profile_schema import to_profile_answer
from memoryos_ports.clock import Clock
from memoryos_ports.errors import UpstreamError
from memoryos_ports.ids import EventId, MemoryId, check_id
from memoryos_ports.knowledge import Fact, Segment


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
    intake: NamedDependency[Intake],
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
    receipt = await intake.accept(event, check_pages=data.event_id is not None)
    if data.wait == "searchable":
        with suppress(UpstreamError):  # it is durable: what becomes of it can be asked for later
            receipt = await ingest.settled(event, receipt, timeout_s=data.wait_timeout_s)
    status = {"stored": 200 if data.wait == "searchable" else 202, "dead": 500}.get(receipt.state, 202)
    return Response(to_add_answer(receipt, await ingest.held_back(event)), status_code=status)


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
    data: JSONBody[SearchRequest],
    access: NamedDependency[MemoryAccess],
    recall: NamedDependency[Recall],
    clock: NamedDependency[Clock],
) -> SearchAnswer:
    """Search by meaning and by words, best first."""
    question = to_question(data, access.scope("memory:read", data.user_id), now=clock.now())
    found = await recall.search(question)
    hits = merged_hits(found.hits, found.knowledge, explain=data.explain)[: data.limit]
    return SearchAnswer(hits=hits, degraded=found.degraded)


@post("/v1/memory/retrieve", status_code=200)
async def retrieve_memory(
    data: JSONBody[RetrieveRequest],
    access: NamedDependency[MemoryAccess],
    context: NamedDependency[ContextService],
    clock: NamedDependency[Clock],
) -> RetrieveAnswer:
    """Return what to put into a prompt for a query."""
    question = to_question(data, access.scope("memory:read", data.user_id), now=clock.now())
    found = await context.gather(question, limit=data.limit, budget_tokens=data.budget_tokens)
    segments = [hit for hit in found.knowledge if isinstance(hit.memory, Segment)]
    facts = [hit for hit in found.knowledge if isinstance(hit.memory, Fact)]
    return RetrieveAnswer(
        short_term=[to_item(page) for page in found.short_term],
        mid_term=merged_hits(found.hits, segments, explain=data.explain),
        long_term=LongTerm(
            profile=to_profile_answer(found.profile, found.profile_version) if found.profile_version else None,
            facts=merged_hits([], facts, explain=data.explain),
        ),
        context=found.text,
        tokens=found.tokens,
        degraded=found.degraded,
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
    wanted, of_kind, session = checked_limit(limit), checked_kind(kind), session_of(session_id)
    listed = await library.browse(scope, limit=wanted, kind=of_kind, cursor=cursor, session_id=session)
    return MemoryList(items=[to_item(memory) for memory in listed.memories], next_cursor=listed.next_cursor)


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
