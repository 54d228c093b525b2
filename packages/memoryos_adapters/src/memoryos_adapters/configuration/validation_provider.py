"""The rules for one LLM provider: its name, where it is, and how its key is found."""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from memoryos_adapters.configuration.credentials import read_secret
from memoryos_adapters.configuration.faults import Faults, KeyPath
from memoryos_adapters.configuration.urls import HTTP_SCHEMES, echo_of, url_problem
from memoryos_adapters.configuration.validation_azure import check_azure, refuse_azure
from memoryos_adapters.configuration.validation_headers import check_headers
from memoryos_adapters.llm_kinds import LLM_KINDS
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import check_id

_RESERVED = ("auto", "memoryos")
_VERSION = re.compile(r"/(?:v\d\w*|api)$", re.ASCII)


def check_provider(
    name: str, provider: LlmProviderSettings, environ: Mapping[str, str], faults: Faults
) -> LlmProviderSettings:
    """Return the provider with its base URL and secrets filled in; whatever breaks a rule goes to `faults`."""
    path = ("llm", "providers", name)
    _check_name(path, name, faults)
    key = read_secret(
        (*path, "api_key"), variable=provider.api_key_env, literal=provider.api_key, environ=environ, faults=faults
    )
    provider = replace(provider, base_url=_check_base_url((*path, "base_url"), provider, faults))
    if not _has_credentials(provider) and _needs_key(provider):
        _refuse_keyless(path, provider, faults)
    check_headers((*path, "headers"), provider.headers, faults)
    if provider.kind == "azure_openai":
        provider = check_azure(path, provider, environ, faults)
    elif not faults.touches((*path, "kind")):
        refuse_azure(path, provider, faults)
    return replace(provider, api_key=key)


def _check_name(path: KeyPath, name: str, faults: Faults) -> None:
    if name in _RESERVED:
        faults.add(path, "is a name of the gateway's own", hint=f"allowed: any but {' and '.join(_RESERVED)}")
    try:
        check_id(name, param="the name of a provider")
    except InvalidInput as exc:
        faults.add(path, exc.message)


def _check_base_url(path: KeyPath, provider: LlmProviderSettings, faults: Faults) -> str:
    """Return the URL without a slash at its end, else the default of the kind."""
    kind = LLM_KINDS[provider.kind]
    url = provider.base_url.rstrip("/")
    if not provider.base_url:
        if kind.base_url is None and provider.kind != "noop" and not faults.touches(path):
            faults.add(path, f"is missing: {provider.kind} has no default")
        return kind.base_url or ""
    if problem := url_problem(provider.base_url, schemes=HTTP_SCHEMES):
        faults.add(path, problem, found=echo_of(provider.base_url))
    elif kind.adds_version and (version := _VERSION.search(url)):
        wanted = url.removesuffix(version.group()).rstrip("/")
        problem = f"must not end in {version.group()}, which is added to it"
        faults.add(path, problem, found=provider.base_url, hint=f"without version: {wanted}")
    return url


def _has_credentials(provider: LlmProviderSettings) -> bool:
    return any(given is not None for given in (provider.api_key_env, provider.api_key, provider.entra))


def _needs_key(provider: LlmProviderSettings) -> bool:
    """A cloud needs a key; an OpenAI-compatible server of one's own may do without."""
    kind = LLM_KINDS[provider.kind]
    is_own_server = provider.kind == "openai" and provider.base_url != kind.base_url
    return kind.key_env is not None and not is_own_server


def _refuse_keyless(path: KeyPath, provider: LlmProviderSettings, faults: Faults) -> None:
    key_path = (*path, "api_key_env")
    if not any(faults.touches((*path, key)) for key in ("api_key_env", "api_key", "entra")):
        hint = f'such as api_key_env = "{LLM_KINDS[provider.kind].key_env}"'
        hint += ", or a table entra" if provider.kind == "azure_openai" else ""
        faults.add(key_path, f"is missing: {provider.kind} needs a key", hint=hint)
