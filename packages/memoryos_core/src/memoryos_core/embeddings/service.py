"""Embeddings for clients: by model name, with the retries of a chat, and never outside what must stay local."""

import msgspec

from memoryos_core.routing.dispatch import Dispatched, Dispatcher
from memoryos_core.routing.plan import DEFAULT_TIER, Provider, Route
from memoryos_core.routing.router import ModelRouter
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.routing.usage import Booking, UsageBook
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.errors import InvalidInput, LocalModelRequired
from memoryos_ports.ids import TenantId
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsAnswer, EmbeddingsRequest


class EmbeddingsCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks: `request.model` is the name it used."""

    tenant_id: TenantId
    request: EmbeddingsRequest


class EmbeddingsService:
    """The use case of the gateway. `local` is the provider of `local_models`, the embedder of memory."""

    def __init__(
        self,
        *,
        router: ModelRouter,
        dispatcher: Dispatcher,
        local: Provider,
        rules: SensitiveRules | None = None,
        usage: UsageBook | None = None,
    ) -> None:
        self._router, self._dispatcher, self._local = router, dispatcher, local
        self._rules, self._usage = rules or SensitiveRules(), usage or UsageBook()

    def names(self) -> list[str]:
        """Return the models of the embedder of memory, as clients name them."""
        return [f"{self._local.name}/{model}" for model in self._local.models]

    def resolve(self, name: str) -> Route:
        """Return who makes the embeddings of a model of this name. Raises ModelNotFound when nobody serves it."""
        prefix, _, model = name.partition("/")
        if prefix == self._local.name and self._local.admits(model):
            return Route(tier=DEFAULT_TIER, provider=self._local, model=model)
        return self._router.resolve(name)

    async def embed(self, call: EmbeddingsCall) -> Dispatched[EmbeddingsAnswer]:
        """Return the vectors.

        Raises ModelNotFound, LocalModelRequired, InvalidInput for a provider without embeddings, and what the provider
        raised.
        """
        request = call.request
        route = self.resolve(request.model)
        adapter = route.provider.embeddings
        if adapter is None:
            raise InvalidInput(
                f"The provider of `{request.model}` has no embeddings.", param="model", code="unsupported_value"
            )
        texts = [text for text in request.input if isinstance(text, str)]
        if not route.provider.local and self._rules.match("\n".join(texts)):
            raise LocalModelRequired(request.model)

        async def ask(asked: Route) -> EmbeddingsAnswer:
            return await adapter.embeddings(msgspec.structs.replace(request, model=asked.model))

        done = await self._dispatcher.run(request.model, [route], ask)
        usage = done.answer.usage or _estimate(request)
        self._usage.book(
            Booking(tenant_id=call.tenant_id, route=route, usage=usage, outcome="complete", tries=done.tries)
        )
        return done


def _estimate(request: EmbeddingsRequest) -> Usage:
    tokens = sum(estimate_tokens(item) if isinstance(item, str) else len(item) for item in request.input)
    return Usage(prompt_tokens=tokens, completion_tokens=0, estimated=True)
