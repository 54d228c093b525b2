"""The section `consolidation`: its model must be served, its figures make sense."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from tests.unit.adapters.configuration.support import faults_of, write_config

PROVIDER = '[llm.providers.one]\nkind = "noop"\nmodels = ["m"]\n'


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('llm = "one"', "consolidation.llm: must be PROVIDER/MODEL"),
        ('llm = "two/m"', "consolidation.llm: no provider is called two"),
        ('llm = "one/n"', "consolidation.llm: one does not serve this model"),
        ("heat_threshold = -1", "consolidation.heat_threshold: must be"),
        ("similarity = 3", "consolidation.similarity: must be"),
        ("quiet_s = -1", "consolidation.quiet_s: must be"),
        ("quite_s = 1", "consolidation.quite_s: "),
    ],
)
def test_what_cannot_work_is_told(tmp_path: Path, line: str, fault: str) -> None:
    (found,) = faults_of(write_config(tmp_path, f"{PROVIDER}[consolidation]\n{line}"))
    assert found.startswith(fault)


def test_a_model_that_is_served_is_taken(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path, f'{PROVIDER}[consolidation]\nllm = "one/m"\nheat_threshold = 2'))
    assert (settings.consolidation.llm, settings.consolidation.heat_threshold) == ("one/m", 2)
