"""The commands `export`, `import` and `forget`: asked of the gateway that holds the data directory, else of our own."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import msgspec

from memoryos_adapters.http import open_http
from memoryos_adapters.settings import Settings
from memoryos_gateway.gateway_client import GatewayClient
from memoryos_gateway.local_gateway import reached_gateway
from memoryos_gateway.progress import showing_progress
from memoryos_ports.errors import InvalidInput

_PIECE_BYTES = 256 * 1024
_NDJSON = "application/x-ndjson"


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """Whose memory a command is about. `key` is for a gateway that serves already; it then says the tenant."""

    user_id: str
    tenant: str = "default"
    key: str | None = None


async def export_user(settings: Settings, whose: Whose, file: Path) -> int:
    """Write everything held of a user to a file, which is there whole or not at all; return its lines."""
    unfinished = file.with_name(f".{file.name}.part")
    lines = 0
    try:
        with unfinished.open("wb") as out:
            async with _client(settings, whose) as client:
                with showing_progress("export", total=None, unit="lines") as progress:
                    async for piece in client.stream(f"v1/memory/users/{quote(whose.user_id, safe='')}/export"):
                        await asyncio.to_thread(out.write, piece)
                        progress.update(piece.count(b"\n"))
                        lines += piece.count(b"\n")
            os.fsync(out.fileno())
        unfinished.replace(file)
    except OSError as exc:
        raise InvalidInput(f"{file}: {exc.strerror or exc}", param="file") from exc
    finally:
        unfinished.unlink(missing_ok=True)
    return lines


async def import_file(settings: Settings, whose: Whose, file: Path) -> dict[str, Any]:
    """Take in what an export told, and return the report: what is new, what was known, and the lines that are wrong."""
    try:
        with file.open("rb") as source:
            async with _client(settings, whose) as client:
                report: dict[str, Any] = await client.send(
                    "POST",
                    "v1/memory/import",
                    body=_pieces(source, os.fstat(source.fileno()).st_size),
                    media=_NDJSON,
                    query={"user_id": whose.user_id},
                )
                return report
    except OSError as exc:
        raise InvalidInput(f"{file}: {exc.strerror or exc}", param="file") from exc


async def forget_user(settings: Settings, whose: Whose) -> dict[str, Any]:
    """Erase a user, and return the receipt."""
    async with _client(settings, whose) as client:
        receipt: dict[str, Any] = await client.send("DELETE", f"v1/memory/users/{quote(whose.user_id, safe='')}")
        return receipt


@asynccontextmanager
async def _client(settings: Settings, whose: Whose) -> AsyncIterator[GatewayClient]:
    async with (
        reached_gateway(settings, tenant=whose.tenant, key=whose.key) as reached,
        open_http(settings.http) as http,
    ):
        yield GatewayClient(http, reached.url, key=reached.key)


async def _pieces(source: BinaryIO, size: int) -> AsyncIterator[bytes]:
    with showing_progress("import", total=size, unit="bytes") as progress:
        while piece := await asyncio.to_thread(source.read, _PIECE_BYTES):
            yield piece
            progress.update(len(piece))
