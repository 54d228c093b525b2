"""The Litestar application over services that are already wired."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import ASGIApp

from memoryos_adapters.metrics import GatewayMetrics, Metrics
from memoryos_core.chat.service import ChatService
from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.embeddings.service import EmbeddingsService
from memoryos_core.health import Health
from memoryos_core.lifecycle.deletion import Deletion
from memoryos_core.lifecycle.editing import Editing
from memoryos_core.lifecycle.erasure import Erasure
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.history import History
from memoryos_core.lifecycle.intake import Intake
from memoryos_core.lifecycle.preferences import Preferences
from memoryos_core.lifecycle.profile_editing import ProfileEditing
from memoryos_core.lifecycle.quarantine import Quarantine
from memoryos_core.lifecycle.registry import Registry
from memoryos_core.lifecycle.sessions import Sessions
from memoryos_core.memory.context import ContextService
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.library import Library
from memoryos_core.memory.recall import Recall
from memoryos_core.routing.router import ModelRouter
from memoryos_core.transfer.exporting import Exporter
from memoryos_core.transfer.importing import Importer
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.cors import Cors, Preflights
from memoryos_gateway.errors import error_handler
from memoryos_gateway.http import JsonRequest
from memoryos_gateway.loopback import LoopbackGuard
from memoryos_gateway.methods import Methods
from memoryos_gateway.model_catalog import ModelCatalog
from memoryos_gateway.openai.openapi import openapi_config
from memoryos_gateway.request_frame import RequestFrame
from memoryos_gateway.routes import (
    chat,
    embeddings,
    health,
    memory,
    memory_edit,
    memory_profile,
    memory_sessions,
    memory_transfer,
    memory_users,
    metrics,
    models,
    quarantine,
    root,
)
from memoryos_gateway.routes.access import only_authenticated, provide_access
from memoryos_ports.clock import Clock
from memoryos_ports.outbox import Outbox


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What the routes call."""

    chat: ChatService
    embeddings: EmbeddingsService
    router: ModelRouter
    catalog: ModelCatalog
    ingest: Ingest
    recall: Recall
    context: ContextService
    library: Library
    intake: Intake
    deletion: Deletion
    editing: Editing
    history: History
    registry: Registry
    sessions: Sessions
    preferences: Preferences
    profile: ProfileService
    profile_editing: ProfileEditing
    erasure: Erasure
    exporter: Exporter
    importer: Importer
    quarantine: Quarantine
    gate: ScopeGate
    health: Health
    outbox: Outbox | None
    metrics: Metrics
    gateway_metrics: GatewayMetrics
    authenticator: Authenticator
    clock: Clock


BY_CLOSURE = ("chat", "embeddings", "gateway_metrics")
"""Services that raw routes hold, and that no handler is given."""


def create_app(
    services: Services, *, body_limit: int, loopback_only: bool, allowed_origins: Sequence[str] = ()
) -> ASGIApp:
    """Return the ASGI application.

    `body_limit` is in bytes; `loopback_only` guards a gateway without keys; pages of `allowed_origins` may call it.
    """
    app: ASGIApp = Methods(_litestar(services, body_limit=body_limit))
    if allowed_origins:
        app = Preflights(app, allowed_origins)
    if loopback_only:
        app = LoopbackGuard(app, allowed_origins)
    if allowed_origins:
        app = Cors(app, allowed_origins)
    return RequestFrame(app, services.gateway_metrics)


def _litestar(services: Services, *, body_limit: int) -> Litestar:
    return Litestar(
        route_handlers=[
            chat.chat_route(
                services.chat,
                services.router,
                services.authenticator,
                body_limit=body_limit,
                metrics=services.gateway_metrics,
            ),
            embeddings.embeddings_route(services.embeddings, services.authenticator, body_limit=body_limit),
            Router(
                "/",
                guards=[only_authenticated(services.authenticator)],
                route_handlers=[
                    models.list_models,
                    models.get_model,
                    memory.add_memory,
                    memory.get_event,
                    memory.search_memory,
                    memory.retrieve_memory,
                    memory.list_memory,
                    memory.get_memory,
                    memory_edit.patch_memory,
                    memory_edit.delete_memory,
                    memory_edit.get_history,
                    memory_users.list_users,
                    memory_users.get_settings,
                    memory_users.put_settings,
                    memory_users.erase_user,
                    memory_sessions.list_sessions,
                    memory_sessions.forget_session,
                    memory_profile.get_profile,
                    memory_profile.put_profile,
                    memory_transfer.export_user,
                    memory_transfer.import_memory,
                    quarantine.list_quarantine,
                    quarantine.release_memory,
                    quarantine.delete_quarantined,
                ],
            ),
            health.get_live,
            health.get_ready,
            health.get_status,
            metrics.get_metrics,
            root.get_about,
        ],
        dependencies={
            "access": Provide(provide_access),
            **{
                name: _constant(getattr(services, name))
                for name in services.__struct_fields__
                if name not in BY_CLOSURE
            },
        },
        exception_handlers={Exception: error_handler},
        openapi_config=openapi_config(),
        request_class=JsonRequest,
        request_max_body_size=body_limit,
        logging_config=None,
        debug=False,
    )


def _constant(value: Any) -> Provide:
    def provide() -> Any:
        return value

    return Provide(provide, sync_to_thread=False, use_cache=True)
