"""The rules for the tiers of the model `auto`, and for what must stay on local providers."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from memoryos_adapters.configuration.faults import ABSENT, Faults, KeyPath
from memoryos_adapters.configuration.targets import check_target
from memoryos_adapters.settings import LlmProviderSettings, RouterSettings, RouterTierSettings

_DIRECT: Final = "direct"
_TIER_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_DEFAULT_SIMILARITY: Final = RouterTierSettings(name=_DIRECT).min_similarity


def check_router(router: RouterSettings, providers: Mapping[str, LlmProviderSettings], faults: Faults) -> None:
    """Record whatever breaks a rule."""
    _check_names(router.tiers, faults)
    for index, tier in enumerate(router.tiers):
        path = ("router", "tiers", index)
        if tier.name == _DIRECT:
            _check_direct(path, tier, faults)
        else:
            _check_tier(path, tier, providers, faults)
    for index, entry in enumerate(router.sensitive):
        _check_sensitive(("router", "sensitive", index), entry, faults)


def _check_names(tiers: Sequence[RouterTierSettings], faults: Faults) -> None:
    first_with: dict[str, int] = {}
    for index, tier in enumerate(tiers):
        path = ("router", "tiers", index, "name")
        if faults.touches(path):
            continue
        if not _TIER_NAME.fullmatch(tier.name):
            faults.add(path, "must be 1-64 characters of A-Z a-z 0-9 - _ .", found=tier.name)
        elif (first := first_with.setdefault(tier.name, index)) != index:
            faults.add(path, f"is the name of router.tiers[{first}] already", found=tier.name)


def _check_direct(path: KeyPath, tier: RouterTierSettings, faults: Faults) -> None:
    for key, is_given in (("models", bool(tier.models)), ("max_prompt_tokens", tier.max_prompt_tokens is not None)):
        if is_given:
            faults.add((*path, key), f"the tier {_DIRECT} has none: no model answers in it")


def _check_tier(
    path: KeyPath, tier: RouterTierSettings, providers: Mapping[str, LlmProviderSettings], faults: Faults
) -> None:
    if tier.min_similarity != _DEFAULT_SIMILARITY:
        faults.add((*path, "min_similarity"), f"only the tier {_DIRECT} has one", found=tier.min_similarity)
    if not tier.models and not faults.reaches_into((*path, "models")):
        faults.add((*path, "models"), f"is missing: only the tier {_DIRECT} has none", found=ABSENT)
    for index, target in enumerate(tier.models):
        target_path = (*path, "models", index)
        check_target(target_path, target, providers, faults)
        _check_claim(target_path, tier.name, target, providers, faults)


def _check_claim(
    path: KeyPath, tier: str, target: str, providers: Mapping[str, LlmProviderSettings], faults: Faults
) -> None:
    """A tier's name does not make a model local: the provider alone says it, and the name may not deny it."""
    name = target.partition("/")[0]
    provider = providers.get(name)
    if provider is None or any(faults.touches(("llm", "providers", name, key)) for key in ("kind", "local")):
        return
    is_local = provider.local or provider.kind == "noop"
    if tier == "local" and not is_local:
        hint = f"llm.providers.{name}.local = true, if what is sent there stays on your own machines"
        faults.add(path, f"the tier claims to be local, and the provider {name} is not", found=target, hint=hint)
    if tier == "cloud" and is_local:
        hint = "give the tier another name"
        faults.add(path, f"the tier claims to be cloud, and the provider {name} is local", found=target, hint=hint)


def _check_sensitive(path: KeyPath, entry: str, faults: Faults) -> None:
    if not any(map(_is_visible, entry)):
        faults.add(path, "is empty: everything would be sensitive")
    elif len(entry) > 1 and entry.startswith("/") and entry.endswith("/"):
        _check_pattern(path, entry, faults)


def _is_visible(character: str) -> bool:
    """Tell whether a character can be seen: the fillers of Hangul cannot, though they count as letters."""
    is_filler = "FILLER" in unicodedata.name(character, "")
    return character.isprintable() and not character.isspace() and not is_filler


def _check_pattern(path: KeyPath, entry: str, faults: Faults) -> None:
    try:
        pattern = re.compile(entry[1:-1], re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as exc:
        faults.add(path, f"is not a regular expression: {exc}", found=entry)
        return
    if pattern.search(""):
        faults.add(path, "matches the empty text: everything would be sensitive", found=entry)
