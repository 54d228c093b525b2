"""Which provider and model answer for the name that a client asked for."""

from collections.abc import Mapping, Sequence

import msgspec

from memoryos_ports.errors import ConfigurationError, ModelNotFound
from memoryos_ports.llm import LlmAdapter

AUTO = "auto"
DEFAULT_TIER = "default"


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A configured provider. `models` empty admits any name; `offline` marks the fallback that no model stands behind.

    Answers of an offline provider are not remembered.
    """

    adapter: LlmAdapter
    models: tuple[str, ...] = ()
    local: bool = False
    offline: bool = False

    @property
    def name(self) -> str:
        """The provider's name in the configuration."""
        return self.adapter.name

    def admits(self, model: str) -> bool:
        """Return whether the provider serves a model of this name."""
        return bool(model) and (not self.models or model in self.models)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request goes: `model` is the provider's own name."""

    tier: str
    provider: Provider
    model: str

    def __str__(self) -> str:
        return f"{self.tier}/{self.provider.name}/{self.model}"


class ModelRouter:
    """Resolves model names: an alias, then PROVIDER/MODEL, then a bare name on the default provider, then `auto`."""

    def __init__(
        self, providers: Sequence[Provider], *, default: str | None = None, aliases: Mapping[str, str] | None = None
    ) -> None:
        """Raises ConfigurationError when there is no provider, or `default` is none of them."""
        self._providers = {provider.name: provider for provider in providers}
        name = default or (providers[0].name if providers else "")
        if name not in self._providers:
            raise ConfigurationError([f"llm.default_provider: no provider is called {name!r}"])
        self._default = self._providers[name]
        self._aliases = dict(aliases or {})

    def resolve(self, name: str) -> Route:
        """Return the route for a model name. Raises ModelNotFound when nobody serves it."""
        target = self._aliases.get(name, name)
        prefix, _, rest = target.partition("/")
        if rest and (provider := self._providers.get(prefix)) and provider.admits(rest):
            return Route(tier=DEFAULT_TIER, provider=provider, model=rest)
        if target == AUTO and self._default.models:
            return Route(tier=DEFAULT_TIER, provider=self._default, model=self._default.models[0])
        if self._default.admits(target) and (target != AUTO or self._default.offline):
            return Route(tier=DEFAULT_TIER, provider=self._default, model=target)
        raise ModelNotFound(name)

    def names(self) -> list[str]:
        """Return the names that clients may use, as far as they are known: aliases, `auto`, and configured models."""
        listed = [f"{p.name}/{model}" for p in self._providers.values() for model in p.models]
        auto = [AUTO] if self._default.models or self._default.offline else []
        return list(dict.fromkeys([*self._aliases, *auto, *self._default.models, *listed]))

    def owner(self, name: str) -> str:
        """Return the provider's name that serves a model. Raises ModelNotFound when nobody does."""
        return self.resolve(name).provider.name
