"""Providers, routes and tiers by name, and asking them by a script."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import TypeAlias

import msgspec

from memoryos_adapters.testing import ScriptedLlm, ScriptedTurn
from memoryos_core.routing.plan import DEFAULT_TIER, Provider, Route, Tier
from memoryos_ports.errors import InvalidInput, LocalModelRequired, UpstreamUnavailable
from tests.unit.core.routing.virtual_time import now

ANSWER = "an answer"


def make_provider(name: str, turns: Iterable[ScriptedTurn] = (), *, local: bool = False) -> Provider:
    """Return a provider of this name that answers as the turns say."""
    return Provider(adapter=ScriptedLlm(turns, name=name), local=local)


def make_route(
    name: str, *, tier: str = DEFAULT_TIER, local: bool = False, direct: bool = False, total_timeout_s: float = 600.0
) -> Route:
    """Return a route to the model ``m`` of a provider of this name, which nobody asks anything."""
    provider = Provider(
        adapter=ScriptedLlm([], name=name),
        local=local or direct,
        offline=direct,
        direct=direct,
        total_timeout_s=total_timeout_s,
    )
    return Route(tier=tier, provider=provider, model="m")


def make_routes(names: str, *, total_timeout_s: float = 600.0) -> list[Route]:
    """Return a route for each letter."""
    return [make_route(name, total_timeout_s=total_timeout_s) for name in names]


def make_tier(name: str, *providers: Provider, model: str = "m", max_prompt_tokens: int | None = None) -> Tier:
    """Return a tier of one model of each of these providers."""
    routes = tuple(Route(tier=name, provider=provider, model=model) for provider in providers)
    return Tier(name=name, routes=routes, max_prompt_tokens=max_prompt_tokens)


def down(name: str = "upstream", *, retry_after_s: float | None = None) -> UpstreamUnavailable:
    """Return the error of a provider that is down."""
    return UpstreamUnavailable(upstream=name, retry_after_s=retry_after_s)


class Slow(msgspec.Struct, frozen=True, kw_only=True):
    """Takes so many seconds, then does as `then` says."""

    seconds: float
    then: "Exception | str" = ANSWER


Outcome: TypeAlias = Exception | str | Slow

HANGS = Slow(seconds=10_000)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a provider, and when it was made."""

    name: str
    at: float


class Script:
    """Answers for each provider as its outcomes say, the last of them for ever; notes who was asked, and when.

    `refused` counts the calls that were refused before anything was sent.
    """

    def __init__(self, outcomes: Mapping[str, Outcome | Sequence[Outcome]]) -> None:
        self._outcomes = {name: _endless(said) for name, said in outcomes.items()}
        self.calls: list[Asked] = []
        self.open_calls = self.refused = 0

    @property
    def asked(self) -> str:
        """The letters of the providers that were asked, in order."""
        return "".join(call.name for call in self.calls)

    @property
    def times(self) -> list[float]:
        """When they were asked."""
        return [call.at for call in self.calls]

    async def ask(self, route: Route) -> str:
        """Do what the provider's next outcome says."""
        name = route.provider.name
        self.calls.append(Asked(name=name, at=now()))
        self.open_calls += 1
        try:
            outcome = next(self._outcomes[name])
            if isinstance(outcome, Slow):
                await asyncio.sleep(outcome.seconds)
                outcome = outcome.then
            if isinstance(outcome, Exception):
                self.refused += isinstance(outcome, InvalidInput | LocalModelRequired)
                raise outcome
            return outcome
        finally:
            self.open_calls -= 1


def _endless(said: Outcome | Sequence[Outcome]) -> Iterator[Outcome]:
    outcomes = [said] if isinstance(said, str | Exception | Slow) else list(said)
    yield from outcomes
    yield from repeat(outcomes[-1])
