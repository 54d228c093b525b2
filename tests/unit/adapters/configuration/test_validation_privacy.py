"""The rules for what is taken out of texts before they are stored."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import PrivacySettings
from memoryos_ports.redaction import REDACTION_RULES
from tests.unit.adapters.configuration.support import faults_of, write_config


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def with_redact(directory: Path, *entries: str) -> dict[str, str]:
    """Write a configuration with these rules and return the environment that names it."""
    return write_config(directory, f"[privacy]\nredact = [{', '.join(entries)}]")


def test_rules_and_expressions_are_read_in_their_order(tmp_path: Path) -> None:
    entries = (*REDACTION_RULES, r"/\bEMP-\d+\b/")
    settings = load_settings(with_redact(tmp_path, *(f"'{entry}'" for entry in entries)))
    assert settings.privacy == PrivacySettings(redact=entries)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("'emial'", "is no rule (found 'emial' in"),
        ("'emial'", "did you mean email?; or a regular expression between slashes"),
        ("''", "is no rule"),
        ("'//'", "is no rule"),
        ("'/(/'", "is not a regular expression: missing ), unterminated subpattern"),
        ("'/x*/'", "matches the empty text"),
        ("5", "must be a string"),
    ],
)
def test_what_is_no_rule_is_a_fault(tmp_path: Path, entry: str, fault: str) -> None:
    (found,) = faults_of(with_redact(tmp_path, "'email'", entry))
    assert found.startswith("privacy.redact[1]: ")
    assert fault in found
