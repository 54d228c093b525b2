"""PROVIDER/MODEL, as aliases and tiers write it: whether it leads anywhere."""

from collections.abc import Mapping

from memoryos_adapters.configuration.faults import Faults, KeyPath, suggestion
from memoryos_adapters.settings import LlmProviderSettings


def check_target(path: KeyPath, target: str, providers: Mapping[str, LlmProviderSettings], faults: Faults) -> None:
    """Record why no configured provider serves `target`, if so."""
    name, _, model = target.partition("/")
    if not name or not model:
        faults.add(path, "must be PROVIDER/MODEL", found=target)
    elif name not in providers:
        faults.add(path, f"no provider is called {name}", found=target, hint=suggestion(name, providers))
    elif providers[name].models and model not in providers[name].models:
        hint = suggestion(model, providers[name].models)
        faults.add(path, f"{name} does not serve this model", found=target, hint=hint)
