"""Embeddings for clients: by model name, with the retries of a chat, and never outside what must stay local."""

import asyncio

import msgspec

from memoryos_core.routing.dispatch import Dispatched, Dispatcher
from memoryos_core.routing.plan import DEFAULT_TIER, Provider, Route
from memoryos_core.routing.router import ModelRouter
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.routing.usage import Booking, Outcome, UsageBook
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.errors import InvalidInput, LocalModelRequired, ModelNotFound
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
        if prefix != self._local.name:
            return self._router.resolve(name)
        if model in self._local.models:
            return Route(tier=DEFAULT_TIER, provider=self._local, model=model)
        raise ModelNotFound(name)

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
        if self._rules and not route.provider.local:
            self._require_harmless(request)
        tries = 0

        async def ask(asked: Route) -> EmbeddingsAnswer:
            nonlocal tries
            tries += 1
            try:
                return await adapter.embeddings(msgspec.structs.replace(request, model=asked.model))
            except asyncio.CancelledError:  # what the provider has read already is paid for
                self._book(call, route, _estimate(request), outcome="cancelled", tries=tries)
                raise

        done = await self._dispatcher.run(request.model, [route], ask)
        self._book(call, route, done.answer.usage or _estimate(request), outcome="complete", tries=done.tries)
        return done

    def _require_harmless(self, request: EmbeddingsRequest) -> None:
        """Raise LocalModelRequired for what must stay local, InvalidInput for tokens: nobody here can read those."""
        texts = [text for text in request.input if isinstance(text, str)]
        if len(texts) < len(request.input):
            raise InvalidInput(
                "Some texts must stay on local models here, and tokens cannot be looked into: send the text itself.",
                param="input",
                code="unsupported_value",
            )
        if self._rules.match_texts(texts) or self._rules.match_request((), request.params):
            raise LocalModelRequired(request.model)

    def _book(self, call: EmbeddingsCall, route: Route, usage: Usage, *, outcome: Outcome, tries: int) -> None:
        self._usage.book(Booking(tenant_id=call.tenant_id, route=route, usage=usage, outcome=outcome, tries=tries))


def _estimate(request: EmbeddingsRequest) -> Usage:
    tokens = sum(estimate_tokens(item) if isinstance(item, str) else len(item) for item in request.input)
    return Usage(prompt_tokens=tokens, completion_tokens=0, estimated=True)
