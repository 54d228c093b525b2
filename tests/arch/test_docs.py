"""What the documents tell people to type works: queries into the database, commands of the Makefile, an adapter."""

import asyncio
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from memoryos_adapters.documents.sqlite import SCHEMA as DOCUMENTS
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS
from memoryos_adapters.llm_kinds import LlmKind
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_adapters.short_term.sqlite import SCHEMA as SHORT_TERM
from memoryos_adapters.sqlite import SqliteDatabase
from tests.arch.sources import PACKAGES, ROOT
from tests.contract.llm.requests import make_request

DOCUMENTS_WITH_COMMANDS = [
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("packages/*/README.md")),
]


async def test_the_queries_of_the_debugging_page_fit_the_database(tmp_path: Path) -> None:
    file = tmp_path / "memory.sqlite3"
    async with asyncio.timeout(30), SqliteDatabase.open(file, schemas=[DOCUMENTS, EVENTS, SHORT_TERM]):
        queries = re.findall(r"^```sql\n(.+?)^```$", (ROOT / "docs/how-to/debug.md").read_text(), re.DOTALL | re.M)
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            rows = [connection.execute(query).fetchall() for text in queries for query in text.split(";\n")]
        finally:
            connection.close()
    assert len(rows) >= 4
    assert not any(rows)


@pytest.mark.parametrize("document", DOCUMENTS_WITH_COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_and_package_that_is_named_exists(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^    |&& )make ([a-z]+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"PKG=(\w+)", text)) <= set(PACKAGES)


def test_the_adapter_and_the_line_of_the_recipe_work() -> None:
    recipe = (ROOT / "docs/how-to/add-an-adapter.md").read_text()
    code, line = re.findall(r"^```python\n(.+?)^```$", recipe, re.DOTALL | re.MULTILINE)
    acme: dict[str, Any] = {}
    exec(code, acme)
    kind = eval(f"{{{line}}}", {"LlmKind": LlmKind})["acme"]
    dialect = acme["AcmeDialect"]("acme", LlmProviderSettings(kind="acme", base_url=kind.base_url))

    outgoing = dialect.encode(make_request(seed=1), stream=False)

    assert kind.adapter.partition(":")[2] in acme
    assert outgoing.dropped_params == ("seed",)
    assert b"seed" not in outgoing.body
