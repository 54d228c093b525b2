"""What each Claude can do, by its name."""

import pytest

from memoryos_adapters.llm.anthropic.models import Capabilities, capabilities_of

_NAMES = [
    ("claude-3-opus-20240229", "all", True, False, 4_096),
    ("claude-3-5-sonnet-20241022", "all", True, False, 8_192),
    ("claude-3-7-sonnet-20250219", "all", True, True, 64_000),
    ("claude-sonnet-4-20250514", "all", True, True, 64_000),
    ("claude-4-opus-20250514", "all", True, True, 32_000),
    ("claude-opus-4-1-20250805", "one", True, True, 32_000),
    ("claude-haiku-4-5-20251001", "one", True, True, 64_000),
    ("anthropic/claude-sonnet-4.5", "one", True, True, 64_000),
    ("claude-sonnet-4-6", "one", False, True, 64_000),
    ("claude-opus-4-6", "one", False, True, 128_000),
    ("claude-opus-4-8", "none", False, False, 128_000),
    ("claude-opus-5", "none", False, False, 128_000),
    ("claude-fable-5-2", "none", False, False, 128_000),
]


@pytest.mark.parametrize(("name", "sampling", "prefill", "budgets", "max_output_tokens"), _NAMES)
def test_a_model_is_known_by_its_version(
    name: str, sampling: str, prefill: bool, budgets: bool, max_output_tokens: int
) -> None:
    able = capabilities_of(name)

    assert (able.sampling, able.prefill, able.budgets, able.max_output_tokens) == (
        sampling,
        prefill,
        budgets,
        max_output_tokens,
    )


@pytest.mark.parametrize("name", ["claude-opus-9", "claude-mythos-preview", "my-own-deployment", "claude-opus-5-5"])
def test_an_unknown_model_counts_as_the_newest_family(name: str) -> None:
    assert capabilities_of(name) == Capabilities()


@pytest.mark.parametrize(
    ("name", "forces_tools", "bound_thoughts"),
    [
        ("claude-3-5-sonnet-20241022", True, False),
        ("claude-sonnet-4-5", True, False),
        ("claude-opus-4-6", True, False),
        ("claude-opus-4-8", True, False),
        ("claude-opus-5", True, False),
        ("claude-sonnet-5", True, False),
        ("claude-fable-5", True, False),
        ("claude-fable-5-1", False, True),
        ("claude-mythos-5-2", False, True),
        ("claude-mythos-preview", False, True),
        ("claude-opus-5-5", False, True),
        ("claude-sonnet-5-5", False, True),
        ("claude-haiku-5-5", True, True),
    ],
)
def test_from_51_on_no_tool_is_forced_and_thoughts_are_bound(
    name: str, forces_tools: bool, bound_thoughts: bool
) -> None:
    able = capabilities_of(name)

    assert (able.forces_tools, able.bound_thoughts) == (forces_tools, bound_thoughts)


@pytest.mark.parametrize(
    ("name", "off"),
    [
        ("claude-opus-4-8", ""),
        ("claude-opus-5", "disabled"),
        ("claude-sonnet-5", "disabled"),
        ("claude-haiku-5-5", "disabled"),
        ("claude-sonnet-5-5", "between_tools"),
        ("claude-opus-5-5", None),
        ("claude-fable-5", None),
    ],
)
def test_how_thinking_is_switched_off_depends_on_the_model(name: str, off: str | None) -> None:
    assert capabilities_of(name).off == off
