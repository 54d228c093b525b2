"""Everything held of a user, out and in again, as lines of JSON."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from memoryos_core.transfer.exporting import Exporter
from memoryos_core.transfer.importing import Importer, ImportReport
from memoryos_gateway.http import UnsupportedMedia, check_uncompressed, media_type
from memoryos_gateway.routes.access import MemoryAccess

NDJSON = "application/x-ndjson"


@get(
    "/v1/memory/users/{user_id:str}/export",
    media_type=NDJSON,
    responses={200: ResponseSpec(str, description="One line of JSON for each memory", media_type=NDJSON)},
)
async def export_user(
    user_id: FromPath[str], access: NamedDependency[MemoryAccess], exporter: NamedDependency[Exporter]
) -> Stream:
    """Tell everything that is held of a user; what goes wrong on the way cuts the answer."""
    lines = exporter.lines(access.scope_of("memory:read", user_id))
    first = await anext(lines)
    return Stream(_joined(first, lines), media_type=NDJSON)


@post("/v1/memory/import", status_code=200, request_max_body_size=None)
async def import_memory(
    request: Request[Any, Any, Any],
    access: NamedDependency[MemoryAccess],
    importer: NamedDependency[Importer],
    user_id: FromQuery[str | None] = None,
) -> ImportReport:
    """Take in what an export told; the body is read line by line, of any length."""
    scope = access.scope("memory:write", user_id)
    _check_ndjson(request)
    return await importer.take_in(scope, request.stream())


def _check_ndjson(request: Request[Any, Any, Any]) -> None:
    if media_type(request.scope) != NDJSON:
        raise UnsupportedMedia(detail=f"The content type must be {NDJSON}.")
    check_uncompressed(request.scope)


async def _joined(first: bytes, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for line in lines:
        yield line
