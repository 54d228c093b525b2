"""What an answer cost, in the log line of the request that asked for it."""

from contextvars import ContextVar
from typing import Any

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
