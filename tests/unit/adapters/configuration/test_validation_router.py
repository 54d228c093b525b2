"""The rules for the tiers of the model `auto`, and for what must stay on local providers."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import RouterSettings, RouterTierSettings
from tests.unit.adapters.configuration.support import faults_of, write_config

PROVIDERS = (
    '[llm]\ndefault_provider = "here"\n[llm.providers.here]\nkind = "ollama"\nlocal = true\n'
    '[llm.providers.fake]\nkind = "noop"\n'
    '[llm.providers.far]\nkind = "openai"\napi_key = "k"\nmodels = ["m/1", "m/2"]\n'
)


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def with_tiers(directory: Path, *tiers: str) -> dict[str, str]:
    """Write a configuration of three providers and these tiers and return the environment that names it."""
    return write_config(directory, PROVIDERS + "".join(f"[[router.tiers]]\n{tier}\n" for tier in tiers))


def with_sensitive(directory: Path, entry: str) -> dict[str, str]:
    """Write a configuration whose second sensitive entry is this one and return the environment that names it."""
    return write_config(directory, f"[router]\nsensitive = ['tulip', {entry}]")


def test_tiers_are_read_in_their_order(tmp_path: Path) -> None:
    environ = with_tiers(
        tmp_path,
        'name = "direct"\nmin_similarity = 0.8',
        'name = "local"\nmodels = ["here/any", "fake/any"]\nmax_prompt_tokens = 2000',
        'name = "cloud"\nmodels = ["far/m/1", "far/m/2"]',
        'name = "Tier-4_b.c"\nmodels = ["far/m/1", "here/any"]',
    )
    assert load_settings(environ).router == RouterSettings(
        tiers=(
            RouterTierSettings(name="direct", min_similarity=0.8),
            RouterTierSettings(name="local", models=("here/any", "fake/any"), max_prompt_tokens=2000),
            RouterTierSettings(name="cloud", models=("far/m/1", "far/m/2")),
            RouterTierSettings(name="Tier-4_b.c", models=("far/m/1", "here/any")),
        )
    )


@pytest.mark.parametrize(
    ("tier", "fault"),
    [
        ('models = ["here/a"]', "name: is missing"),
        ('name = 5\nmodels = ["here/a"]', "name: must be a non-empty string"),
        ('name = "a b"\nmodels = ["here/a"]', "name: must be 1-64 characters of A-Z a-z 0-9 - _ . (found 'a b'"),
        ('name = "a\\n"\nmodels = ["here/a"]', "name: must be 1-64 characters"),
        (f'name = "{"a" * 65}"\nmodels = ["here/a"]', "name: must be 1-64 characters"),
        ('name = "first"\nmodels = ["here/a"]', "name: is the name of router.tiers[0] already (found 'first'"),
        ('name = "a"', "models: is missing: only the tier direct has none"),
        ('name = "a"\nmodels = []', "models: is missing: only the tier direct has none"),
        ('name = "a"\nmodels = 5', "models: must be a list"),
        ('name = "a"\nmodels = [5]', "models[0]: must be a string"),
        ('name = "a"\nmodels = ["here"]', "models[0]: must be PROVIDER/MODEL (found 'here'"),
        ('name = "a"\nmodels = ["here/a", "her/a"]', "models[1]: no provider is called her (found 'her/a'"),
        ('name = "a"\nmodels = ["far/m/3"]', "models[0]: far does not serve this model (found 'far/m/3'"),
        ('name = "a"\nmodels = ["here/a"]\nmax_prompt_tokens = 0', "max_prompt_tokens: must be an integer from 1"),
        ('name = "a"\nmodels = ["here/a"]\nmin_similarity = 0.5', "min_similarity: only the tier direct has one"),
        ('name = "direct"\nmin_similarity = 1.1', "min_similarity: must be a number"),
        ('name = "direct"\nmodels = ["here/a"]', "models: the tier direct has none"),
        ('name = "direct"\nmax_prompt_tokens = 5', "max_prompt_tokens: the tier direct has none"),
        ('name = "a"\nmodels = ["here/a"]\nmodel = "b"', "model: unknown key"),
    ],
)
def test_a_wrong_tier_is_refused(tmp_path: Path, tier: str, fault: str) -> None:
    (found,) = faults_of(with_tiers(tmp_path, 'name = "first"\nmodels = ["here/a"]', tier))
    assert found.startswith(f"router.tiers[1].{fault}")


def test_a_tier_called_local_has_no_model_of_a_provider_that_is_not(tmp_path: Path) -> None:
    (fault,) = faults_of(with_tiers(tmp_path, 'name = "local"\nmodels = ["here/a", "far/m/1"]'))
    assert fault.startswith(
        "router.tiers[0].models[1]: the tier claims to be local, and the provider far is not (found "
    )
    assert fault.endswith("; llm.providers.far.local = true, if what is sent there stays on your own machines)")


@pytest.mark.parametrize("provider", ["here", "fake"])
def test_a_tier_called_cloud_has_no_model_of_a_local_provider(tmp_path: Path, provider: str) -> None:
    (fault,) = faults_of(with_tiers(tmp_path, f'name = "cloud"\nmodels = ["far/m/1", "{provider}/a"]'))
    assert fault.startswith(
        f"router.tiers[0].models[1]: the tier claims to be cloud, and the provider {provider} is local (found "
    )


def test_a_provider_that_is_wrong_itself_belies_no_tier(tmp_path: Path) -> None:
    text = '[llm.providers.x]\nkind = "olama"\n[[router.tiers]]\nname = "cloud"\nmodels = ["x/a"]'
    (fault,) = faults_of(write_config(tmp_path, text))
    assert fault.startswith("llm.providers.x.kind: ")


def test_faults_of_tiers_are_told_together(tmp_path: Path) -> None:
    faults = faults_of(with_tiers(tmp_path, 'name = "ä"', 'name = "local"\nmodels = ["far/m/1", "far/x", "y"]'))
    assert [fault.partition(":")[0] for fault in faults] == [
        "router.tiers[0].name",
        "router.tiers[0].models",
        "router.tiers[1].models[0]",
        "router.tiers[1].models[1]",
        "router.tiers[1].models[1]",
        "router.tiers[1].models[2]",
    ]


@pytest.mark.parametrize("entry", ["Project Tulip", "/", "a/b", "/(etc", r"/\bDE\d{20}\b/", "/a|b/", "C++"])
def test_words_phrases_and_patterns_are_sensitive(tmp_path: Path, entry: str) -> None:
    router = load_settings(with_sensitive(tmp_path, f"'{entry}'")).router
    assert router == RouterSettings(sensitive=("tulip", entry))


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("''", "is empty: everything would be sensitive"),
        ("'  '", "is empty: everything would be sensitive"),
        ('"\\u200b\\n"', "is empty: everything would be sensitive"),
        ('"\\u3164"', "is empty: everything would be sensitive"),
        ("'/(/'", "is not a regular expression: missing ), unterminated subpattern at position 0 (found '/(/'"),
        ("'/a{99999999999}/'", "is not a regular expression: "),
        ("'//'", "matches the empty text: everything would be sensitive (found '//'"),
        ("'/a*/'", "matches the empty text: everything would be sensitive (found '/a*/'"),
        ("'/a|$/'", "matches the empty text: everything would be sensitive"),
    ],
)
def test_what_would_be_sensitive_everywhere_or_nowhere_is_refused(tmp_path: Path, entry: str, fault: str) -> None:
    (found,) = faults_of(with_sensitive(tmp_path, entry))
    assert found.startswith(f"router.sensitive[1]: {fault}")
