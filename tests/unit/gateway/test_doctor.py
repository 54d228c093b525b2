"""What `doctor` finds, without a process of its own."""

from pathlib import Path

from memoryos_adapters.data_directory import open_data_directory
from memoryos_adapters.settings import EmbeddingSettings, Settings, StorageSettings
from memoryos_gateway.doctor import Finding, examine


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


async def test_a_held_directory_is_told_with_its_url(tmp_path: Path) -> None:
    with open_data_directory(tmp_path, url="http://127.0.0.1:4711"):
        findings = await examine(_settings(tmp_path))

    (fault,) = _failed(findings)
    assert fault.endswith("serving http://127.0.0.1:4711")


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
