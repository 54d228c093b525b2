"""GET /v1/models and /v1/models/{id}: what a client may put into `model`, as far as its key may use it."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from memoryos_core.routing.router import ModelRouter
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.openai.schema import ModelCard, ModelList
from memoryos_ports.errors import ModelNotFound


@get(["/v1/models", "/models"])
async def list_models(
    request: Request[Any, Any, Any],
    router: NamedDependency[ModelRouter],
    authenticator: NamedDependency[Authenticator],
) -> ModelList:
    """List the models that the key may use."""
    principal = authenticator.authenticate(request.scope)
    return ModelList(data=[_card(router, name) for name in router.names() if principal.may_use(*router.known_as(name))])


@get(["/v1/models/{model:path}", "/models/{model:path}"])
async def get_model(
    request: Request[Any, Any, Any],
    model: FromPath[str],
    router: NamedDependency[ModelRouter],
    authenticator: NamedDependency[Authenticator],
) -> ModelCard:
    """Return one model; the id may hold slashes."""
    principal, name = authenticator.authenticate(request.scope), model.removeprefix("/")
    if not principal.may_use(*router.known_as(name)):
        raise ModelNotFound(name)
    return _card(router, name)


def _card(router: ModelRouter, name: str) -> ModelCard:
    return ModelCard(id=name, owned_by=router.owner(name))
