"""The health routes: whether the process lives, whether it can serve, and in what state everything is."""

from datetime import datetime

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.response import Response

from memoryos_core.health import Health, Mode


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """That the process is alive, and the mode it is in."""

    status: str
    timestamp: datetime


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The mode and every dependency."""

    mode: Mode
    dependencies: dict[str, str]
    timestamp: datetime


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
async def get_status(health: NamedDependency[Health]) -> StatusAnswer:
    """Return the mode and the state of each dependency."""
    report = health.report
    return StatusAnswer(mode=report.mode, dependencies=dict(report.dependencies), timestamp=report.timestamp)
