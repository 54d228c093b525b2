"""GET /v1/models and /v1/models/{id}: what a client may put into `model`, as far as its key may use it."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from memoryos_gateway.auth import Authenticator
from memoryos_gateway.model_catalog import ModelCatalog
from memoryos_gateway.openai.schema import ModelCard, ModelList


@get(["/v1/models", "/models"])
async def list_models(
    request: Request[Any, Any, Any],
    catalog: NamedDependency[ModelCatalog],
    authenticator: NamedDependency[Authenticator],
) -> ModelList:
    """List the models that the key may use."""
    return ModelList(data=catalog.cards(authenticator.authenticate(request.scope)))


@get(["/v1/models/{model:path}", "/models/{model:path}"])
async def get_model(
    request: Request[Any, Any, Any],
    model: FromPath[str],
    catalog: NamedDependency[ModelCatalog],
    authenticator: NamedDependency[Authenticator],
) -> ModelCard:
    """Return one model; the id may hold slashes."""
    return catalog.card(authenticator.authenticate(request.scope), model.removeprefix("/"))
