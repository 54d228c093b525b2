"""The health routes: whether the process lives, whether it can serve, and in what state everything is."""

from datetime import datetime

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.response import Response

from memoryos_core.health import Health, Mode
from memoryos_ports.outbox import Outbox


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """That the process is alive, and the mode it is in."""

    status: str
    timestamp: datetime


class OutboxAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many events wait in the outbox for the event log."""

    waiting: int


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The mode and every dependency; on the server profile the outbox as well."""

    mode: Mode
    dependencies: dict[str, str]
    timestamp: datetime
    outbox: OutboxAnswer | None = None


@get(["/health", "/health/live"])
async def get_live(health: NamedDependency[Health]) -> HealthAnswer:
    """Say that the process is alive."""
    return HealthAnswer(status="ok", timestamp=health.report.timestamp)


@get(
    "/health/ready",
    responses={503: ResponseSpec(HealthAnswer, description="Starting or draining", generate_examples=False)},
)
async def get_ready(health: NamedDependency[Health]) -> Response[HealthAnswer]:
    """Say whether chats can be served: 200, degraded included, or 503 while starting or draining."""
    report = health.report
    body = HealthAnswer(status=report.mode, timestamp=report.timestamp)
    return Response(body, status_code=503 if report.mode == "not_ready" else 200)


@get("/health/status")
async def get_status(health: NamedDependency[Health], outbox: NamedDependency[Outbox | None]) -> StatusAnswer:
    """Return the mode and the state of each dependency."""
    report = health.report
    held = None if outbox is None else OutboxAnswer(waiting=(await outbox.state()).waiting)
    return StatusAnswer(
        mode=report.mode, dependencies=dict(report.dependencies), timestamp=report.timestamp, outbox=held
    )
