"""OpenAI, and any server that speaks its chat completions (vLLM, llama.cpp, Groq, Mistral, ...)."""

from memoryos_adapters.http import Http
from memoryos_adapters.llm.http_llm import HttpLlmWithEmbeddings
from memoryos_adapters.llm.openai.dialect import OpenAiDialect
from memoryos_adapters.settings import LlmProviderSettings


class OpenAiCompatibleLlm(HttpLlmWithEmbeddings):
    """The adapter of the kind ``openai``."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http) -> None:
        super().__init__(name, settings, http, OpenAiDialect(name, settings))
