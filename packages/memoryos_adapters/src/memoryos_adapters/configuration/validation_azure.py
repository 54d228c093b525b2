"""The rules that only Azure's providers have: the version of their API, and an application in the place of a key."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from memoryos_adapters.configuration.credentials import read_secret
from memoryos_adapters.configuration.faults import Faults, KeyPath
from memoryos_adapters.configuration.urls import HTTP_SCHEMES, echo_of, url_problem
from memoryos_adapters.network import is_loopback
from memoryos_adapters.settings import EntraSettings, LlmProviderSettings

_VERSIONED: Final = "/openai/v1"
"""How the `base_url` of Azure's newer interface ends, which needs no `api_version`."""


def check_azure(
    path: KeyPath, provider: LlmProviderSettings, environ: Mapping[str, str], faults: Faults
) -> LlmProviderSettings:
    """Return the provider with the secret of its application filled in; whatever breaks a rule goes to `faults`."""
    version_path = (*path, "api_version")
    if not provider.api_version and not provider.base_url.endswith(_VERSIONED) and not faults.touches(version_path):
        hint = f'such as api_version = "2024-10-21", or a base_url that ends in {_VERSIONED}'
        faults.add(version_path, "is missing: azure_openai needs one", hint=hint)
    if provider.entra is None:
        return provider
    if provider.api_key_env is not None or provider.api_key is not None:
        faults.add((*path, "entra"), "give a key or entra, not both")
    return replace(provider, entra=_check_entra((*path, "entra"), provider.entra, environ, faults))


def refuse_azure(path: KeyPath, provider: LlmProviderSettings, faults: Faults) -> None:
    """Record what only Azure understands, and this provider is another."""
    hint = f"{provider.kind} has none, azure_openai does"
    if provider.api_version is not None:
        faults.add((*path, "api_version"), "is Azure's only", found=provider.api_version, hint=hint)
    if provider.entra is not None:
        faults.add((*path, "entra"), "is Azure's only", hint=hint)


def _check_entra(path: KeyPath, entra: EntraSettings, environ: Mapping[str, str], faults: Faults) -> EntraSettings:
    _check_authority((*path, "authority"), entra.authority, faults)
    secret_path, variable_path = (*path, "client_secret"), (*path, "client_secret_env")
    secret = read_secret(
        secret_path, variable=entra.client_secret_env, literal=entra.client_secret, environ=environ, faults=faults
    )
    if secret is None and not faults.touches(secret_path) and not faults.touches(variable_path):
        faults.add(variable_path, "is missing: an application needs a secret", hint="the variable that holds it")
    return replace(entra, authority=entra.authority.rstrip("/"), client_secret=secret)


def _check_authority(path: KeyPath, url: str, faults: Faults) -> None:
    """The secret is sent there, so it is https; http stays on this machine."""
    if problem := url_problem(url, schemes=HTTP_SCHEMES):
        faults.add(path, problem, found=echo_of(url))
    elif urlsplit(url).scheme != "https" and not is_loopback(urlsplit(url).hostname or ""):
        faults.add(path, "must begin with https://", found=url, hint="http:// on loopback only")
