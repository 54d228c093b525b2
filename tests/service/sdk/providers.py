"""The seven providers that the clients of this package meet behind the gateway, each as a fake in its own dialect."""

from typing import Any

import msgspec

from memoryos_adapters.settings import LlmProviderSettings, Secret
from tests.support.anthropic_answers import refusal, speak_anthropic
from tests.support.azure_openai_answers import speak_azure
from tests.support.completion import Speech
from tests.support.deepseek_answers import speak_deepseek
from tests.support.fake_upstream import FakeUpstream
from tests.support.gemini_answers import failure, speak_gemini
from tests.support.ollama_answers import speak_ollama
from tests.support.openai_answers import speak_openai
from tests.support.openrouter_answers import speak_openrouter
from tests.support.replies import Reply

PROVIDER_KEY = "sk-provider-secret"
EMBEDDING_MODEL = "text-embedding-3-small"
CHAT_MODELS = ("gpt-4o", "o-mini")


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of provider; `path` stands behind the address of its fake, `models` empty admits any name."""

    kind: str
    speech: Speech
    model: str
    path: str = ""
    models: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "oa": Kind(kind="openai", speech=speak_openai, model="gpt-4o", path="/v1", models=(*CHAT_MODELS, EMBEDDING_MODEL)),
    "an": Kind(kind="anthropic", speech=speak_anthropic, model="claude-sonnet-4-5"),
    "ge": Kind(kind="gemini", speech=speak_gemini, model="gemini-3-flash"),
    "ol": Kind(kind="ollama", speech=speak_ollama, model="qwen3:8b"),
    "ds": Kind(kind="deepseek", speech=speak_deepseek, model="deepseek-v4", path="/v1"),
    "or": Kind(kind="openrouter", speech=speak_openrouter, model="anthropic/claude-sonnet-4.5", path="/api/v1"),
    "az": Kind(kind="azure_openai", speech=speak_azure, model="my-gpt-4o"),
}
"""By the name that each has in the configuration."""

OF_OPENAIS_DIALECT = ("oa", "ds", "or", "az")

_GOOGLES_WORDS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
_ANTHROPICS_WORDS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One provider as a client sees it: the name of its model, and the fake behind it."""

    name: str
    model: str
    upstream: FakeUpstream

    def refuses(self, status: int, message: str = "No.", **headers: str) -> None:
        """Answer every request from now on with this status, in its own words; `headers` have ``_`` for ``-``."""
        document = _refusal(self.name, status, message)
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        self.upstream.always = Reply.json(document, status=status, headers=said)


def provider_of(name: str, upstreams: dict[str, FakeUpstream]) -> Provider:
    """Return a provider by its name in the configuration."""
    return Provider(name=name, model=f"{name}/{KINDS[name].model}", upstream=upstreams[name])


def settings_of(name: str, upstream: FakeUpstream) -> LlmProviderSettings:
    """Return the configuration of a provider."""
    kind = KINDS[name]
    base_url = upstream.root_url + kind.path
    return LlmProviderSettings(kind=kind.kind, base_url=base_url, api_key=Secret(PROVIDER_KEY), models=kind.models)


def _refusal(name: str, status: int, message: str) -> dict[str, Any]:
    match name:
        case "an":
            return refusal(_ANTHROPICS_WORDS.get(status, "api_error"), message)
        case "ge":
            return failure(status, _GOOGLES_WORDS.get(status, "UNAVAILABLE"), message)
        case "ol":
            return {"error": message}
        case _:
            return {"error": {"message": message, "type": "an_error", "param": None, "code": None}}
