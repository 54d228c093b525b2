"""What chats cost: tokens by tenant and route, exact where the provider reported them, estimated where it could not."""

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

import msgspec

from memoryos_core.routing.plan import Route
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.ids import TenantId
from memoryos_ports.llm import Message, Usage

Outcome: TypeAlias = Literal["complete", "cut", "cancelled"]
"""How an answer ended: whole, broken off by the provider, or cancelled (its client left, or its time was up)."""

IMAGE_TOKENS = 765
"""What an image is taken for (OpenAI's figure for 1024 x 1024 at high detail); audio and files count the same."""

_PER_MESSAGE = 4  # the frame of a message


class Spent(msgspec.Struct, kw_only=True):
    """The sum of one tenant's answers by one deployment."""

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated_answers: int = 0


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that was paid for, and how many calls to providers it took."""

    tenant_id: TenantId
    route: Route
    usage: Usage
    outcome: Outcome
    tries: int


class UsageBook:
    """Keeps the sums since the process started; every answer is booked once, however it ended.

    `note` is told each booking, for whoever keeps them longer.
    """

    MAX_ENTRIES = 10_000

    def __init__(self, note: Callable[[Booking], None] | None = None) -> None:
        self._note = note
        self._spent: dict[tuple[TenantId, str], Spent] = {}

    def book(self, booking: Booking) -> None:
        """Book one answer."""
        usage = booking.usage
        spent = self._entry(booking.tenant_id, booking.route.deployment)
        spent.answers += 1
        spent.prompt_tokens += usage.prompt_tokens
        spent.completion_tokens += usage.completion_tokens
        spent.cached_tokens += usage.cached_tokens
        spent.reasoning_tokens += usage.reasoning_tokens
        spent.estimated_answers += usage.estimated
        if self._note is not None:
            self._note(booking)

    def spent(self, tenant_id: TenantId) -> dict[str, Spent]:
        """Return the sums of a tenant by deployment (PROVIDER/MODEL)."""
        return {deployment: spent for (tenant, deployment), spent in self._spent.items() if tenant == tenant_id}

    def _entry(self, tenant_id: TenantId, deployment: str) -> Spent:
        if len(self._spent) >= self.MAX_ENTRIES and (tenant_id, deployment) not in self._spent:
            deployment = "(other)"  # clients name models: their number is not ours to choose
        return self._spent.setdefault((tenant_id, deployment), Spent())


def prompt_tokens(messages: Iterable[Message], tools: msgspec.Raw | None = None) -> int:
    """Return the estimate of what a prompt costs, tool calls and the definitions of tools included."""
    total = estimate_tokens(bytes(tools).decode()) if tools is not None else 0
    return total + sum(_PER_MESSAGE + _message_tokens(message) for message in messages)


def estimated_usage(messages: Iterable[Message], answer: str, *, tools: msgspec.Raw | None = None) -> Usage:
    """Return the usage of an answer whose provider had no chance to report it, or does not."""
    return Usage(
        prompt_tokens=prompt_tokens(messages, tools), completion_tokens=estimate_tokens(answer), estimated=True
    )


def _message_tokens(message: Message) -> int:
    calls = sum(estimate_tokens(call.name + call.arguments) for call in message.tool_calls)
    if message.content is None or isinstance(message.content, str):
        return calls + estimate_tokens(message.content or "")
    return calls + sum(IMAGE_TOKENS if part.text is None else estimate_tokens(part.text) for part in message.content)
