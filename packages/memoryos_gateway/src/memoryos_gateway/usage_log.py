"""What an answer cost: in the log line of the request that asked for it, and in the metrics."""

from collections.abc import Collection
from contextvars import ContextVar
from typing import Any

from memoryos_adapters.metrics import GatewayMetrics
from memoryos_adapters.settings import Settings
from memoryos_core.routing.usage import Booking

REQUEST_FIELDS: ContextVar[dict[str, Any] | None] = ContextVar("request_fields", default=None)
"""Further fields of the log line of the request in hand; None outside of requests."""


def note_usage(booking: Booking) -> None:
    """Note what an answer cost; `estimated` says that the provider had no chance to report it, or does not."""
    fields = REQUEST_FIELDS.get()
    if fields is None:
        return
    usage = booking.usage
    fields.update(
        tenant_id=booking.tenant_id,
        route=str(booking.route),
        outcome=booking.outcome,
        tries=booking.tries,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        estimated=usage.estimated,
    )


class UsageNotes:
    """Is told every booking: notes it for the log, and counts its tokens by model.

    A model that the configuration does not name is counted as ``PROVIDER/(other)``: clients name models.
    """

    def __init__(self, metrics: GatewayMetrics, named: Collection[str]) -> None:
        self._metrics = metrics
        self._named = named

    def __call__(self, booking: Booking) -> None:
        """Note and count what an answer cost."""
        note_usage(booking)
        route, usage = booking.route, booking.usage
        model = route.deployment if route.deployment in self._named else f"{route.provider.name}/(other)"
        self._metrics.llm_tokens(model, prompt=usage.prompt_tokens, completion=usage.completion_tokens)


def make_usage_notes(metrics: GatewayMetrics, settings: Settings) -> UsageNotes:
    """Return the notes of a gateway with these settings."""
    return UsageNotes(metrics, named_models(settings))


def named_models(settings: Settings) -> frozenset[str]:
    """Return every PROVIDER/MODEL that the configuration names."""
    listed = (f"{name}/{model}" for name, provider in settings.llm.providers.items() for model in provider.models)
    tiers = (model for tier in settings.router.tiers for model in tier.models)
    return frozenset([*listed, *tiers, *settings.llm.aliases.values()])
