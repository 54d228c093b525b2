"""GET /v1/models and /v1/models/{id}: what a client may put into `model`."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from memoryos_core.chat.router import ModelRouter
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.openai.schema import ModelCard, ModelList


@get(["/v1/models", "/models"])
async def list_models(
    request: Request[Any, Any, Any],
    router: NamedDependency[ModelRouter],
    authenticator: NamedDependency[Authenticator],
) -> ModelList:
    """List the models that the key may use."""
    authenticator.authenticate(request.scope)
    return ModelList(data=[_card(router, name) for name in router.names()])


@get(["/v1/models/{model:path}", "/models/{model:path}"])
async def get_model(
    request: Request[Any, Any, Any],
    model: FromPath[str],
    router: NamedDependency[ModelRouter],
    authenticator: NamedDependency[Authenticator],
) -> ModelCard:
    """Return one model; the id may hold slashes."""
    authenticator.authenticate(request.scope)
    return _card(router, model.removeprefix("/"))


def _card(router: ModelRouter, name: str) -> ModelCard:
    return ModelCard(id=name, owned_by=router.owner(name))
