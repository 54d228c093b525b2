"""Claude, by Anthropic's Messages API."""

from memoryos_adapters.http import Http
from memoryos_adapters.llm.anthropic.dialect import AnthropicDialect
from memoryos_adapters.llm.http_llm import HttpLlm
from memoryos_adapters.settings import LlmProviderSettings


class AnthropicLlm(HttpLlm):
    """The adapter of the kind ``anthropic``; it has no embeddings."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http) -> None:
        super().__init__(name, settings, http, AnthropicDialect(name, settings))
