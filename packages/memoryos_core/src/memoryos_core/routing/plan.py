"""Where one request may go: providers, their models in tiers, and which of them admit it."""

from collections.abc import Iterable

import msgspec

from memoryos_ports.errors import InvalidInput, LocalModelRequired, MemoryOSError
from memoryos_ports.llm import LlmAdapter
from memoryos_ports.llm_embeddings import EmbeddingsAdapter

DEFAULT_TIER = "default"


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A configured provider. `models` empty admits any name; `offline` marks one that no model stands behind.

    What is sent to a `local` provider stays on the operator's own machines. Answers of an offline one are not
    remembered. Asking a `direct` one is no call to a provider. `total_timeout_s` bounds one call; a request has the sum
    over the providers that may be asked.
    """

    adapter: LlmAdapter
    models: tuple[str, ...] = ()
    local: bool = False
    offline: bool = False
    direct: bool = False
    total_timeout_s: float = 600.0

    @property
    def name(self) -> str:
        """The provider's name in the configuration."""
        return self.adapter.name

    @property
    def embeddings(self) -> EmbeddingsAdapter | None:
        """The provider's embeddings, None when it has none."""
        return self.adapter if isinstance(self.adapter, EmbeddingsAdapter) else None

    def admits(self, model: str) -> bool:
        """Return whether the provider serves a model of this name."""
        return bool(model) and (not self.models or model in self.models)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One way to an answer: `model` is the provider's own name."""

    tier: str
    provider: Provider
    model: str

    def __str__(self) -> str:
        return f"{self.tier}/{self.deployment}"

    @property
    def deployment(self) -> str:
        """What a circuit breaker watches: PROVIDER/MODEL."""
        return f"{self.provider.name}/{self.model}"


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """Routes in the order in which they are tried, for prompts of at most `max_prompt_tokens` (None: any)."""

    name: str
    routes: tuple[Route, ...]
    max_prompt_tokens: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The tiers that a model name stands for: the first that admits the request wins, later ones are its fallbacks."""

    name: str
    tiers: tuple[Tier, ...]

    @property
    def measures(self) -> bool:
        """Whether the length of the prompt matters."""
        return any(tier.max_prompt_tokens is not None for tier in self.tiers)

    def require_local(self) -> None:
        """Raise LocalModelRequired when no local model is part of the plan, whatever the length of the prompt."""
        if not any(route.provider.local for tier in self.tiers for route in tier.routes):
            raise LocalModelRequired(self.name)

    def routes(self, *, prompt_tokens: int, sensitive: bool) -> list[Route]:
        """Return the routes that admit a prompt, in order, each deployment once; never none.

        Raises LocalModelRequired when a sensitive prompt finds no local model, InvalidInput
        (``context_length_exceeded``) when it is too long for every tier.
        """
        allowed = [route for route in self._admitted(prompt_tokens) if route.provider.local or not sensitive]
        if not allowed and (refusal := self.refusal(prompt_tokens=prompt_tokens, sensitive=sensitive)):
            raise refusal
        return allowed

    def refusal(self, *, prompt_tokens: int, sensitive: bool) -> MemoryOSError | None:
        """Return why no model is among the routes, None when one is, or there never was one.

        It is what a client hears for whom there is no direct answer either.
        """
        models = [route for route in self._admitted(prompt_tokens) if not route.provider.direct]
        if any(route.provider.local or not sensitive for route in models):
            return None
        if models:
            return LocalModelRequired(self.name)
        if all(route.provider.direct for tier in self.tiers for route in tier.routes):
            return None
        return InvalidInput(
            f"The conversation is about {prompt_tokens} tokens long, more than any tier of `{self.name}` admits.",
            param="messages",
            code="context_length_exceeded",
        )

    def _admitted(self, prompt_tokens: int) -> Iterable[Route]:
        admitting = [t for t in self.tiers if t.max_prompt_tokens is None or prompt_tokens <= t.max_prompt_tokens]
        admitted: dict[str, Route] = {}
        for route in (route for tier in admitting for route in tier.routes):
            admitted.setdefault(route.deployment, route)
        return admitted.values()
