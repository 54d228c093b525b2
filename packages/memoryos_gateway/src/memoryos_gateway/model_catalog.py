"""The models that a key may use, chat models and embedders alike, as the OpenAI side lists them."""

from memoryos_core.embeddings.service import EmbeddingsService
from memoryos_core.routing.router import ModelRouter
from memoryos_gateway.auth import Principal
from memoryos_gateway.openai.schema import ModelCard
from memoryos_ports.errors import ModelNotFound


class ModelCatalog:
    """Every model of this gateway under the names that clients use."""

    def __init__(self, router: ModelRouter, embeddings: EmbeddingsService) -> None:
        self._router, self._embeddings = router, embeddings

    def cards(self, principal: Principal) -> list[ModelCard]:
        """Return the models that a key may use, as far as their names are known."""
        names = [*self._router.names(), *self._embeddings.names()]
        return [self._card(name) for name in names if principal.may_use(*self._known_as(name))]

    def card(self, principal: Principal, name: str) -> ModelCard:
        """Return one model. Raises ModelNotFound when nobody serves it, or the key has no right to it."""
        if not principal.may_use(*self._known_as(name)):
            raise ModelNotFound(name)
        return self._card(name)

    def _known_as(self, name: str) -> tuple[str, ...]:
        return (name,) if name in self._embeddings.names() else self._router.known_as(name)

    def _card(self, name: str) -> ModelCard:
        is_local = name in self._embeddings.names()
        owner = self._embeddings.resolve(name).provider.name if is_local else self._router.owner(name)
        return ModelCard(id=name, owned_by=owner)
