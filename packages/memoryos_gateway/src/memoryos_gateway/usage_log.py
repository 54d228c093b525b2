"""One line of log for every answer that was paid for."""

from loguru import logger

from memoryos_core.routing.usage import Booking


def log_usage(booking: Booking) -> None:
    """Write what an answer cost; `estimated` says that the provider had no chance to report it, or does not."""
    usage = booking.usage
    logger.bind(
        tenant_id=booking.tenant_id,
        route=str(booking.route),
        outcome=booking.outcome,
        tries=booking.tries,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        estimated=usage.estimated,
    ).info("usage booked")
