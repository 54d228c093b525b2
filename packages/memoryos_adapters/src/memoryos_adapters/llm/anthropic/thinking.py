"""How much the model thinks: `reasoning_effort` and the native `thinking`, as the model takes them (AN2, AN3, AN9)."""

from typing import Any

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.anthropic.models import Capabilities
from memoryos_adapters.llm.chat_params import ChatParams, unsupported
from memoryos_ports.errors import InvalidInput

MIN_BUDGET = 1024
"""Tokens; Anthropic refuses less."""

_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_LEVELS = ("low", "medium", "high", "xhigh", "max")
_BUDGETS = {"low": 2_048, "medium": 8_192, "high": 24_576, "xhigh": 32_768, "max": 49_152}


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about thinking. `dropped` names what of the caller's the model does not take."""

    config: dict[str, Any] | None = None
    effort: str | None = None
    dropped: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """The field of the request; the effort is in another one."""
        return {} if self.config is None else {"thinking": self.config}

    @property
    def is_off(self) -> bool:
        """Whether the model is told not to think."""
        return (self.config or {}).get("type") in ("disabled", "between_tools")

    @property
    def budget_tokens(self) -> int:
        """The tokens that are set apart for it, 0 when the model decides."""
        budget = (self.config or {}).get("budget_tokens")
        return budget if isinstance(budget, int) else 0


def read_thinking(params: ChatParams, able: Capabilities, *, max_tokens: int, forced: bool, lost: bool) -> Thinking:
    """Return what the caller asked for; a native ``thinking`` goes before an effort.

    `forced` says that a tool has to be called: who can stop thinking has to. `lost` says that the thoughts before the
    calls in hand are gone: with a budget they are insisted on. Raises InvalidInput for an effort or a budget that is
    none.
    """
    asked = params.take("reasoning_effort", str)
    if asked is not None and asked not in _EFFORTS and asked != "none":
        raise unsupported("reasoning_effort", f"{asked!r} is not an effort of this provider")
    native = params.take("thinking", dict[str, Any])
    if native is not None:
        return _with_effort(_native(native, able, forced=forced, lost=lost), asked, able)
    if asked == "none":
        return _off(able, param="reasoning_effort")
    if forced and able.off is not None:
        return _with_effort(_off(able, param="thinking"), asked, able)
    if asked is None:
        return Thinking()
    if able.adaptive:
        return _with_effort(Thinking(config={"type": "adaptive", "display": "summarized"}), asked, able)
    budget = min(_BUDGETS[_EFFORTS[asked]], max_tokens // 2)
    if not able.budgets or lost or budget < MIN_BUDGET:
        return Thinking(dropped=("reasoning_effort",))
    return Thinking(config={"type": "enabled", "budget_tokens": budget})


def _native(config: dict[str, Any], able: Capabilities, *, forced: bool, lost: bool) -> Thinking:
    if config.get("type") == "disabled":
        return _off(able, param="thinking")
    has_budget = config.get("type") == "enabled" and (able.budgets or not able.adaptive)
    if (forced and able.off is not None) or (lost and has_budget):
        return replace(_off(able, param="thinking"), dropped=("thinking",))
    return _taken(config, able)


def _taken(config: dict[str, Any], able: Capabilities) -> Thinking:
    if config.get("type") == "enabled" and able.adaptive and not able.budgets:
        others = {name: value for name, value in config.items() if name != "budget_tokens"}
        return Thinking(config={**others, "type": "adaptive"}, dropped=("thinking.budget_tokens",))
    budget = config.get("budget_tokens", MIN_BUDGET)
    if not isinstance(budget, int) or budget < MIN_BUDGET:
        param = "thinking.budget_tokens"
        raise InvalidInput(f"{param} must be a whole number of at least {MIN_BUDGET}", param=param)
    return Thinking(config=config)


def _off(able: Capabilities, *, param: str) -> Thinking:
    """A model that always thinks does so as little as it can."""
    if able.off is None:
        return Thinking(effort="low", dropped=(param,))
    return Thinking(config={"type": able.off} if able.off else None)


def _with_effort(thinking: Thinking, asked: str | None, able: Capabilities) -> Thinking:
    """Efforts above high are for a model that thinks."""
    if asked is None or asked == "none":
        return thinking
    if not able.adaptive:
        return replace(thinking, dropped=(*thinking.dropped, "reasoning_effort"))
    effort, most = _EFFORTS[asked], "high" if thinking.is_off else "max"
    is_taken = effort in able.efforts and _LEVELS.index(effort) <= _LEVELS.index(most)
    return replace(thinking, effort=effort if is_taken else "high")
