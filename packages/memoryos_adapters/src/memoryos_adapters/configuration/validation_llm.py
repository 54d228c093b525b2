"""The rules for LLM providers, the default among them, and aliases."""

from collections.abc import Mapping

from msgspec.structs import replace

from memoryos_adapters.configuration.credentials import read_secret
from memoryos_adapters.configuration.faults import ABSENT, Faults, KeyPath, suggestion
from memoryos_adapters.configuration.provider_kinds import PROVIDER_KINDS
from memoryos_adapters.configuration.urls import HTTP_SCHEMES, echo_of, url_problem
from memoryos_adapters.settings import LlmProviderSettings, LlmSettings
from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import check_id

_PROVIDERS: KeyPath = ("llm", "providers")


def check_llm(llm: LlmSettings, environ: Mapping[str, str], faults: Faults) -> LlmSettings:
    """Return the section with base URLs and keys filled in; whatever breaks a rule goes to `faults`."""
    providers = {name: _check_provider(name, provider, environ, faults) for name, provider in llm.providers.items()}
    _check_default(llm, faults)
    for alias, target in llm.aliases.items():
        _check_alias(("llm", "aliases", alias), target, llm.providers, faults)
    return replace(llm, providers=providers)


def _check_default(llm: LlmSettings, faults: Faults) -> None:
    path = ("llm", "default_provider")
    if faults.touches(path):
        return
    if llm.default_provider is None:
        if len(llm.providers) > 1:
            hint = suggestion("", llm.providers)
            faults.add(path, "is missing: several providers are configured", found=ABSENT, hint=hint)
    elif llm.default_provider not in llm.providers:
        hint = suggestion(llm.default_provider, llm.providers)
        faults.add(path, "no such provider", found=llm.default_provider, hint=hint)


def _check_provider(
    name: str, provider: LlmProviderSettings, environ: Mapping[str, str], faults: Faults
) -> LlmProviderSettings:
    path = (*_PROVIDERS, name)
    try:
        check_id(name, param="the name of a provider")
    except InvalidInput as exc:
        faults.add(path, exc.message)
    key = read_secret(
        (*path, "api_key"), variable=provider.api_key_env, literal=provider.api_key, environ=environ, faults=faults
    )
    base_url = _check_base_url((*path, "base_url"), provider, faults)
    if provider.api_key_env is None and provider.api_key is None and _needs_key(provider):
        _refuse_keyless(path, provider, faults)
    return replace(provider, base_url=base_url, api_key=key)


def _check_base_url(path: KeyPath, provider: LlmProviderSettings, faults: Faults) -> str:
    """Return the URL without a slash at its end, else the default of the kind."""
    if not provider.base_url:
        default = PROVIDER_KINDS[provider.kind].base_url
        if default is None and provider.kind != "noop" and not faults.touches(path):
            faults.add(path, f"is missing: {provider.kind} has no default")
        return default or ""
    if problem := url_problem(provider.base_url, schemes=HTTP_SCHEMES):
        faults.add(path, problem, found=echo_of(provider.base_url))
    return provider.base_url.rstrip("/")


def _needs_key(provider: LlmProviderSettings) -> bool:
    """A cloud needs a key; an OpenAI-compatible server of one's own may do without."""
    facts = PROVIDER_KINDS[provider.kind]
    is_own_server = provider.kind == "openai" and provider.base_url.rstrip("/") not in ("", facts.base_url)
    return facts.key_env is not None and not is_own_server


def _refuse_keyless(path: KeyPath, provider: LlmProviderSettings, faults: Faults) -> None:
    key_path = (*path, "api_key_env")
    if not faults.touches(key_path) and not faults.touches((*path, "api_key")):
        hint = f'such as api_key_env = "{PROVIDER_KINDS[provider.kind].key_env}"'
        faults.add(key_path, f"is missing: {provider.kind} needs a key", hint=hint)


def _check_alias(path: KeyPath, target: str, providers: Mapping[str, LlmProviderSettings], faults: Faults) -> None:
    name, _, model = target.partition("/")
    if not name or not model:
        faults.add(path, "must be PROVIDER/MODEL", found=target)
    elif name not in providers:
        faults.add(path, f"no provider is called {name}", found=target, hint=suggestion(name, providers))
    elif providers[name].models and model not in providers[name].models:
        hint = suggestion(model, providers[name].models)
        faults.add(path, f"{name} does not serve this model", found=target, hint=hint)
