"""The registry of LLM providers: one entry for each kind that can be configured."""

from collections.abc import Mapping
from typing import Final

import msgspec


class LlmKind(msgspec.Struct, frozen=True):
    """How the adapter of a kind is made, and what is known of the kind before anything is configured.

    `adapter` is ``module:name`` below ``memoryos_adapters.llm`` of what makes an `LlmAdapter` of (name, settings,
    http); it is loaded when a provider of the kind is opened, so the others cost nothing. `base_url` is the default,
    in the words of the provider's own SDK; None: there is none. `key_env` is the variable that people conventionally
    keep the key in; None: the kind runs without a key. `adds_version`: the SDK, and so the adapter, adds the version
    (or ``/api``) to `base_url` itself.
    """

    adapter: str
    base_url: str | None = None
    key_env: str | None = None
    adds_version: bool = False


LLM_KINDS: Final[Mapping[str, LlmKind]] = {
    "openai": LlmKind("openai.adapter:OpenAiCompatibleLlm", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    "azure_openai": LlmKind("azure_openai.adapter:AzureOpenAiLlm", key_env="AZURE_OPENAI_API_KEY"),
    "anthropic": LlmKind(
        "anthropic.adapter:AnthropicLlm", "https://api.anthropic.com", "ANTHROPIC_API_KEY", adds_version=True
    ),
    "gemini": LlmKind(
        "gemini.adapter:GeminiLlm", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY", adds_version=True
    ),
    "ollama": LlmKind("ollama.adapter:OllamaLlm", "http://127.0.0.1:11434", adds_version=True),
    "deepseek": LlmKind("deepseek.adapter:DeepSeekLlm", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "openrouter": LlmKind("openrouter.adapter:OpenRouterLlm", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "noop": LlmKind("noop:NoopLlm"),
}
"""Every kind under the word that people configure."""
