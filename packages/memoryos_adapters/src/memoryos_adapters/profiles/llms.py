"""Adapters of the configured LLM providers; their modules are loaded only when they are asked for."""

from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Final

from memoryos_adapters.embedding.openai import OUTSIDE
from memoryos_adapters.http import Http
from memoryos_adapters.llm_kinds import LLM_KINDS, LlmKind
from memoryos_adapters.profiles.adapters import ConfiguredLlm
from memoryos_adapters.settings import EmbeddingSettings, LlmProviderSettings, Settings
from memoryos_ports.errors import ConfigurationError
from memoryos_ports.llm import LlmAdapter
from memoryos_ports.llm_embeddings import EmbeddingsAdapter

_LLM_FAMILY: Final = "memoryos_adapters.llm"
_OFFLINE: Final[Mapping[str, LlmProviderSettings]] = {"noop": LlmProviderSettings(kind="noop")}


def open_llms(settings: Settings, http: Http) -> tuple[ConfiguredLlm, ...]:
    """Return the adapters of the providers, the offline fallback without any. Raises ConfigurationError."""
    providers = settings.llm.providers or _OFFLINE
    return tuple(_configured(name, provider, http) for name, provider in providers.items())


def make_llm(kind: LlmKind, name: str, settings: LlmProviderSettings, http: Http) -> LlmAdapter:
    """Return an adapter of a kind, whose module is loaded now. Raises TypeError when it is something else."""
    factory: Callable[[str, LlmProviderSettings, Http], object] = resolve_name(f"{_LLM_FAMILY}.{kind.adapter}")
    adapter = factory(name, settings, http)
    if not isinstance(adapter, LlmAdapter):
        raise TypeError(f"{kind.adapter} makes no LlmAdapter")
    return adapter


def make_embeddings_adapter(settings: EmbeddingSettings, http: Http) -> EmbeddingsAdapter:
    """Return the adapter of the endpoint that the embedder ``openai`` asks: that of a provider of this kind."""
    provider = LlmProviderSettings(
        kind="openai",
        base_url=settings.base_url,
        api_key=settings.api_key,
        connect_timeout_s=settings.connect_timeout_s,
        total_timeout_s=settings.total_timeout_s,
    )
    adapter = make_llm(LLM_KINDS[provider.kind], OUTSIDE, provider, http)
    if not isinstance(adapter, EmbeddingsAdapter):
        raise TypeError(f"{provider.kind} makes no EmbeddingsAdapter")
    return adapter


def _configured(name: str, provider: LlmProviderSettings, http: Http) -> ConfiguredLlm:
    kind = LLM_KINDS.get(provider.kind)
    if kind is None:
        raise ConfigurationError([f"llm.providers.{name}.kind: {provider.kind!r} is not available in this version"])
    return ConfiguredLlm(adapter=make_llm(kind, name, provider, http), settings=provider)
