"""The rules for the section `llm`: its providers, the default among them, and aliases."""

from collections.abc import Mapping

from msgspec.structs import replace

from memoryos_adapters.configuration.faults import ABSENT, Faults, suggestion
from memoryos_adapters.configuration.targets import check_target
from memoryos_adapters.configuration.validation_provider import check_provider
from memoryos_adapters.settings import LlmSettings


def check_llm(llm: LlmSettings, environ: Mapping[str, str], faults: Faults) -> LlmSettings:
    """Return the section with base URLs and keys filled in; whatever breaks a rule goes to `faults`."""
    providers = {name: check_provider(name, provider, environ, faults) for name, provider in llm.providers.items()}
    _check_default(llm, faults)
    for alias, target in llm.aliases.items():
        path = ("llm", "aliases", alias)
        if alias == "auto" or alias.startswith("memoryos/"):
            faults.add(path, "is a name of the gateway's own", hint="allowed: any but auto and memoryos/…")
        check_target(path, target, llm.providers, faults)
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
