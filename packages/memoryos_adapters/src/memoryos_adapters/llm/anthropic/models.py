"""What each generation of Claude takes and refuses (wire contract: AN1, AN2, AN3, AN8, AN9, AN12).

Sources: Anthropic's model pages and migration guides (platform.claude.com/docs, "What's new in Claude ...").
"""

import re
from typing import Literal

import msgspec
from msgspec.structs import replace

_VERSION = re.compile(r"claude\D*?[-/](?P<major>\d)(?:[-.](?P<minor>\d))?(?!\d)")


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What one model can be asked for; the defaults are the newest family's.

    `sampling`: whether temperature, top_p and top_k are taken, or only one of the first two at a time.
    `prefill`: whether the conversation may end with the beginning of the answer.
    `budgets`, `adaptive`: how thinking is asked for, by a number of tokens or by an effort; `efforts` are its levels.
    `off`: how thinking is switched off: the type that says so, "" when it is off by itself, None when it never is.
    `forces_tools`: whether it can be made to call a tool.
    `bound_thoughts`: whether its thoughts are refused when anything that came before them has changed.
    `structured`: whether a schema for the answer (and strict tools) are native.
    `max_output_tokens`: the most that it writes, thoughts included.
    """

    sampling: Literal["all", "one", "none"] = "none"
    prefill: bool = False
    budgets: bool = False
    adaptive: bool = True
    efforts: tuple[str, ...] = ("low", "medium", "high", "xhigh", "max")
    off: Literal["", "disabled", "between_tools"] | None = None
    forces_tools: bool = False
    bound_thoughts: bool = True
    structured: bool = True
    max_output_tokens: int = 128_000


def capabilities_of(model: str) -> Capabilities:
    """Return what a model can do; one whose name says nothing counts as the newest family."""
    found = _VERSION.search(model)
    if found is None:
        return _NEWEST
    version = int(found["major"]), int(found["minor"] or 0)
    return next(able for since, family, able in _GENERATIONS if version >= since and family in model)


def _before_46(max_output_tokens: int, *, structured: bool = False, one: bool = False) -> Capabilities:
    return replace(
        _BEFORE_51,
        sampling="one" if one else "all",
        prefill=True,
        budgets=True,
        adaptive=False,
        off="",
        structured=structured,
        max_output_tokens=max_output_tokens,
    )


def _without_thinking(max_output_tokens: int) -> Capabilities:
    return replace(_before_46(max_output_tokens), budgets=False)


_NEWEST = Capabilities()
_BEFORE_51 = Capabilities(forces_tools=True, bound_thoughts=False)
_OPUS_46 = replace(_BEFORE_51, sampling="one", budgets=True, efforts=("low", "medium", "high", "max"), off="")
_GENERATIONS: tuple[tuple[tuple[int, int], str, Capabilities], ...] = (
    ((5, 5), "sonnet", Capabilities(off="between_tools")),
    ((5, 0), "haiku", Capabilities(off="disabled", forces_tools=True)),
    ((5, 1), "", _NEWEST),
    ((5, 0), "opus", replace(_BEFORE_51, off="disabled")),
    ((5, 0), "sonnet", replace(_BEFORE_51, off="disabled")),
    ((5, 0), "", _BEFORE_51),
    ((4, 7), "", replace(_BEFORE_51, off="")),
    ((4, 6), "sonnet", replace(_OPUS_46, max_output_tokens=64_000)),
    ((4, 6), "", _OPUS_46),
    ((4, 5), "", _before_46(64_000, structured=True, one=True)),
    ((4, 1), "", _before_46(32_000, one=True)),
    ((4, 0), "opus", _before_46(32_000)),
    ((4, 0), "", _before_46(64_000)),
    ((3, 7), "", _before_46(64_000)),
    ((3, 5), "", _without_thinking(8_192)),
    ((0, 0), "", _without_thinking(4_096)),
)
"""The first row that fits counts: from which version, a word of the name, what it can do."""
