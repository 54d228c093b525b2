"""Chat services over given providers, with retries that do not wait."""

import random
from collections.abc import Sequence
from typing import Any

from memoryos_core.chat.memory import ChatMemory
from memoryos_core.chat.service import ChatService
from memoryos_core.routing.breakers import Breakers
from memoryos_core.routing.dispatch import Dispatcher, RetryPolicy
from memoryos_core.routing.plan import Provider, Tier
from memoryos_core.routing.router import ModelRouter

AT_ONCE = RetryPolicy(max_tries=1)
"""No retries: what a model raises comes out."""


def make_dispatcher(policy: RetryPolicy = AT_ONCE, *, breakers: Breakers | None = None) -> Dispatcher:
    """Return a dispatcher whose jitter is always the same."""
    return Dispatcher(policy=policy, breakers=breakers, chance=random.Random(7))


def chat_service(
    providers: Sequence[Provider],
    *,
    memory: ChatMemory | None = None,
    policy: RetryPolicy = AT_ONCE,
    tiers: Sequence[Tier] = (),
    **parts: Any,
) -> ChatService:
    """Return a service over these providers; `parts` are further arguments of it."""
    router = ModelRouter(providers, tiers=tiers)
    return ChatService(router=router, dispatcher=make_dispatcher(policy), memory=memory, **parts)
