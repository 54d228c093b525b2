"""GET /: what this is."""

import msgspec
from litestar import get

import memoryos_gateway


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What answers here, and where its interfaces are."""

    name: str
    version: str
    openai_base_url: str
    openapi: str
    health: str


@get("/")
async def get_about() -> About:
    """Say what this is."""
    return About(
        name="MemoryOS gateway",
        version=memoryos_gateway.__version__,
        openai_base_url="/v1",
        openapi="/openapi.json",
        health="/health/status",
    )
