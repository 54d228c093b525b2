"""What `doctor` finds, without a process of its own."""

from pathlib import Path

import msgspec

from memoryos_adapters.data_directory import open_data_directory
from memoryos_adapters.settings import (
    EmbeddingSettings,
    LlmProviderSettings,
    LlmSettings,
    Secret,
    Settings,
    StorageSettings,
)
from memoryos_gateway.doctor import Finding, examine
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import running_gateway


def _settings(data_dir: Path, profile: str = "embedded") -> Settings:
    return Settings(
        data_dir=str(data_dir),
        storage=StorageSettings(profile=profile),  # type: ignore[arg-type]  # a parameter of these tests
        embedding=EmbeddingSettings(kind="hashed"),
    )


def _failed(findings: list[Finding]) -> list[str]:
    return [f"{finding.check}: {finding.detail}" for finding in findings if not finding.ok]


async def test_the_noop_profile_is_bypassed_not_down(tmp_path: Path) -> None:
    findings = await examine(_settings(tmp_path, "noop"))

    assert _failed(findings) == []
    assert Finding(check="memory", ok=True, detail="bypassed by configuration") in findings


async def test_looking_leaves_a_directory_that_can_be_looked_at_again(tmp_path: Path) -> None:
    first, second = await examine(_settings(tmp_path / "data")), await examine(_settings(tmp_path / "data"))

    assert _failed(first) == _failed(second) == []


async def test_a_gateway_that_holds_the_directory_is_asked(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    async with running_gateway(settings) as gateway:
        with open_data_directory(tmp_path / "other", url=gateway.url):
            findings = await examine(_settings(tmp_path / "other"))

    assert _failed(findings) == []
    assert findings[-1].detail == f"{gateway.url} is fully_operational: sqlite up, qdrant-edge up"


async def test_a_holder_that_does_not_answer_is_a_fault(tmp_path: Path) -> None:
    with open_data_directory(tmp_path, url="http://127.0.0.1:1"):
        findings = await examine(_settings(tmp_path))

    (fault,) = _failed(findings)
    assert fault.startswith("gateway: http://127.0.0.1:1 does not answer")


async def test_a_directory_held_by_a_process_that_serves_nothing_is_a_fault(tmp_path: Path) -> None:
    with open_data_directory(tmp_path):
        findings = await examine(_settings(tmp_path))

    (fault,) = _failed(findings)
    assert "is held by process" in fault


async def test_a_provider_that_is_not_there_is_found(tmp_path: Path) -> None:
    provider = LlmProviderSettings(kind="openai", base_url="http://127.0.0.1:1/v1", api_key=Secret("k"))
    settings = msgspec.structs.replace(_settings(tmp_path), llm=LlmSettings(providers={"far": provider}))

    (fault,) = _failed(await examine(settings))

    assert fault.startswith("llm far: ")


async def test_an_embedder_that_is_not_there_is_found_beside_what_is_sound(tmp_path: Path) -> None:
    far = EmbeddingSettings(kind="openai", base_url="http://127.0.0.1:1/v1", model="m", dimensions=3)
    findings = await examine(msgspec.structs.replace(_settings(tmp_path), embedding=far))

    assert _failed(findings) == ["embedder: embedder: cannot connect"]
    assert Finding(check="sqlite", ok=True, detail="up") in findings


async def test_an_embedder_outside_is_asked_for_a_vector(tmp_path: Path) -> None:
    async with FakeUpstream() as upstream:
        outside = EmbeddingSettings(kind="openai", base_url=upstream.base_url, model="m", dimensions=3)
        findings = await examine(msgspec.structs.replace(_settings(tmp_path), embedding=outside))

    assert findings[-1] == Finding(check="embedder", ok=True, detail="openai:m/3, 3 floats")


async def test_a_database_that_is_none_is_found(tmp_path: Path) -> None:
    await examine(_settings(tmp_path))
    (tmp_path / "memory.sqlite3").write_bytes(b"this is not a database" * 500)

    (fault,) = _failed(await examine(_settings(tmp_path)))

    assert fault.startswith("start-up: ")


async def test_an_index_of_another_embedder_is_found(tmp_path: Path) -> None:
    await examine(_settings(tmp_path))
    (tmp_path / "index" / "stamp.json").write_text('{"name": "another", "dimensions": 3}')

    (fault,) = _failed(await examine(_settings(tmp_path)))

    assert fault.startswith("start-up: the memory index was built with embedder another/3")
