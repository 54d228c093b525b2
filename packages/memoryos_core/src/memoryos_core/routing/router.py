"""Which providers and models may answer for the name that a client asked for."""

from collections.abc import Mapping, Sequence

from memoryos_core.routing.plan import DEFAULT_TIER, Plan, Provider, Route, Tier
from memoryos_ports.errors import ConfigurationError, ModelNotFound

AUTO = "auto"

RESERVED_PREFIX = "memoryos"
"""Before the slash of what is no provider's: the embedder of memory, approved answers."""


class ModelRouter:
    """Resolves model names: an alias, then PROVIDER/MODEL, then a bare name on the default provider, then `auto`."""

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        default: str | None = None,
        aliases: Mapping[str, str] | None = None,
        tiers: Sequence[Tier] = (),
    ) -> None:
        """Raises ConfigurationError when there is no provider, or `default` is none of them."""
        self._providers = {provider.name: provider for provider in providers}
        name = default or (providers[0].name if providers else "")
        if name not in self._providers:
            raise ConfigurationError([f"llm.default_provider: no provider is called {name!r}"])
        self._default = self._providers[name]
        self._aliases = dict(aliases or {})
        self._tiers = tuple(tiers)

    def plan(self, name: str) -> Plan:
        """Return where a chat with a model of this name may go. Raises ModelNotFound when nobody serves it."""
        if self._tiers and self._aliases.get(name, name) == AUTO:
            return Plan(name=name, tiers=self._tiers)
        return Plan(name=name, tiers=(Tier(name=DEFAULT_TIER, routes=(self.resolve(name),)),))

    def resolve(self, name: str) -> Route:
        """Return the one model of this name, tiers apart. Raises ModelNotFound when nobody serves it."""
        target = self._aliases.get(name, name)
        prefix, _, rest = target.partition("/")
        if rest and (provider := self._providers.get(prefix)) and target not in self._default.models:
            if provider.admits(rest):
                return Route(tier=DEFAULT_TIER, provider=provider, model=rest)
            raise ModelNotFound(name)
        if rest and prefix == RESERVED_PREFIX and not self._default.offline:
            raise ModelNotFound(name)
        if target == AUTO and self._default.models:
            return Route(tier=DEFAULT_TIER, provider=self._default, model=self._default.models[0])
        if self._default.admits(target) and (target != AUTO or self._default.offline):
            return Route(tier=DEFAULT_TIER, provider=self._default, model=target)
        raise ModelNotFound(name)

    def known_as(self, name: str) -> tuple[str, ...]:
        """Return the names under which a key may be allowed to use a model: the client's own, and PROVIDER/MODEL.

        A name that stands for tiers has no other. Raises ModelNotFound when nobody serves it.
        """
        routes = [route for tier in self.plan(name).tiers for route in tier.routes]
        is_one = self._aliases.get(name, name) != AUTO or not self._tiers
        return (name, routes[0].deployment) if is_one else (name,)

    def names(self) -> list[str]:
        """Return the names that clients may use, as far as they are known: aliases, `auto`, and configured models."""
        listed = [f"{p.name}/{model}" for p in self._providers.values() for model in p.models]
        auto = [AUTO] if self._tiers or self._default.models or self._default.offline else []
        return list(dict.fromkeys([*self._aliases, *auto, *self._default.models, *listed]))

    def owner(self, name: str) -> str:
        """Return the name of the provider that serves a model first. Raises ModelNotFound when nobody does."""
        return self.plan(name).tiers[0].routes[0].provider.name
