"""`memoryos-gateway doctor` as a process: what it prints, and how it exits."""

from pathlib import Path

import msgspec

from memoryos_gateway.doctor import Finding
from tests.support.process import Finished, run_command


async def _doctor(data_dir: Path, *flags: str) -> Finished:
    arguments = ("doctor", "--data-dir", str(data_dir), "--set", "embedding.kind=hashed", *flags)
    return await run_command("memoryos_gateway", *arguments, cwd=data_dir.parent)


async def test_a_sound_configuration_is_found_so(tmp_path: Path) -> None:
    finished = await _doctor(tmp_path / "data", "--json")

    findings = msgspec.json.decode(finished.stdout, type=list[Finding])
    assert finished.code == 0, finished.stderr
    assert [finding.check for finding in findings] == [
        "configuration",
        "data directory",
        "wiring",
        "sqlite",
        "qdrant-edge",
        "llm noop",
        "embedder",
    ]
    assert all(finding.ok and finding.detail for finding in findings)


async def test_for_people_it_is_one_line_a_finding(tmp_path: Path) -> None:
    strange = tmp_path / "holiday"
    strange.mkdir()
    (strange / "photo.jpg").write_bytes(b"")

    finished = await _doctor(strange)

    assert finished.code == 1
    sound, fault = finished.stdout.splitlines()
    assert sound == "ok      configuration: profile embedded"
    assert fault.startswith(f"FAILED  start-up: data_dir: data directory {strange} holds photo.jpg")
    assert finished.stderr == ""
