"""What is known of each kind of LLM provider before anything is configured."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from memoryos_adapters.settings import ProviderKind


class KindFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`base_url` None: there is no default. `key_env` is the variable that people conventionally keep the key in.

    `adds_version`: the SDK, and so the adapter, adds the version (or ``/api``) to `base_url` itself.
    """

    base_url: str | None = None
    key_env: str | None = None
    adds_version: bool = False


PROVIDER_KINDS: Mapping[ProviderKind, KindFacts] = MappingProxyType(
    {
        "openai": KindFacts(base_url="https://api.openai.com/v1", key_env="OPENAI_API_KEY"),
        "azure_openai": KindFacts(key_env="AZURE_OPENAI_API_KEY"),
        "anthropic": KindFacts(base_url="https://api.anthropic.com", key_env="ANTHROPIC_API_KEY", adds_version=True),
        "gemini": KindFacts(
            base_url="https://generativelanguage.googleapis.com", key_env="GEMINI_API_KEY", adds_version=True
        ),
        "ollama": KindFacts(base_url="http://127.0.0.1:11434", adds_version=True),
        "deepseek": KindFacts(base_url="https://api.deepseek.com/v1", key_env="DEEPSEEK_API_KEY"),
        "openrouter": KindFacts(base_url="https://openrouter.ai/api/v1", key_env="OPENROUTER_API_KEY"),
        "noop": KindFacts(),
    }
)
"""Every kind, as `base_url` in its own SDK's words; a kind without `key_env` runs without a key."""
