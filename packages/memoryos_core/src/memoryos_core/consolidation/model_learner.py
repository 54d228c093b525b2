"""A model of a provider as the one who reads pages, behind the same tries and breakers as the chats."""

from memoryos_core.consolidation.learning import Learner
from memoryos_core.extraction.llm import LlmExtractor
from memoryos_core.routing.dispatch import Dispatcher
from memoryos_core.routing.plan import Provider, Route
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.llm import ChatAnswer, ChatRequest

CONSOLIDATION_TIER = "consolidation"
"""What the calls of consolidation are called in the log."""


def model_learner(provider: Provider, model: str, dispatcher: Dispatcher, rules: SensitiveRules) -> Learner:
    """Return a learner that asks a model; `rules` say what one outside never sees."""
    route = Route(tier=CONSOLIDATION_TIER, provider=provider, model=model)

    async def chat(request: ChatRequest) -> ChatAnswer:
        asked = await dispatcher.run(model, [route], lambda route: route.provider.adapter.chat(request))
        return asked.answer

    return Learner(LlmExtractor(chat, model=model), local=provider.local, rules=rules)
