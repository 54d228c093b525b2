"""Every configuration in the document about providers loads as it stands, and every kind has one."""

import re
from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.llm_kinds import LLM_KINDS
from tests.unit.adapters.configuration.support import write_config

DOCUMENT = (Path(__file__).parents[4] / "docs/how-to/providers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.+?)^```$", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
VARIABLES = dict.fromkeys(re.findall(r'_env = "(\w+)"', DOCUMENT), "a-key")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_a_configuration_of_the_document_loads(tmp_path: Path, block: str) -> None:
    load_settings(write_config(tmp_path, block) | VARIABLES)


def test_every_kind_has_a_configuration() -> None:
    assert set(re.findall(r'^kind = "(\w+)"', "".join(BLOCKS), flags=re.MULTILINE)) == set(LLM_KINDS)
