"""The wheels that are released: what they carry, what they ask for, and that they work where nothing else is."""

import email.message
import email.parser
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.arch.sources import PACKAGES, ROOT, project_table

BUILD_TIMEOUT_S = 300


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All packages built once: the wheel by package name."""
    folder = tmp_path_factory.mktemp("wheels")
    _run(_uv(), "build", "--quiet", "--wheel", "--all-packages", "--out-dir", folder, cwd=ROOT)
    return {wheel.name.partition("-")[0]: wheel for wheel in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def everything(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the gateway and the worker, and only what they ask for."""
    return _environment(tmp_path_factory.mktemp("everything"), wheels["memoryos_gateway"], wheels["memoryos_worker"])


@pytest.fixture(scope="module")
def core_alone(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds memoryos_core, and only what it asks for."""
    return _environment(tmp_path_factory.mktemp("core"), wheels["memoryos_core"])


def test_every_package_builds(wheels: dict[str, Path]) -> None:
    assert sorted(wheels) == list(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_is_typed_and_carries_its_license(wheels: dict[str, Path], package: str) -> None:
    with zipfile.ZipFile(wheels[package]) as wheel:
        names = set(wheel.namelist())
        license_text = wheel.read(next(name for name in names if name.endswith(".dist-info/licenses/LICENSE")))
    assert f"{package}/py.typed" in names
    assert license_text == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_says_what_the_project_says(wheels: dict[str, Path], package: str) -> None:
    metadata, project = _metadata(wheels[package]), project_table(package)
    assert metadata["Version"] == project["version"]
    assert metadata["Requires-Python"] == project["requires-python"]
    assert metadata["License-Expression"] == project["license"]
    assert str(metadata.get_payload()).startswith(f"# {package}")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_asks_for_a_range_of_everything(wheels: dict[str, Path], package: str) -> None:
    asked = _metadata(wheels[package]).get_all("Requires-Dist", [])
    assert asked or package == "memoryos_ports"
    assert [entry for entry in asked if not re.search(r">=[\d.]+", entry) or not re.search(r"<[\d.]+", entry)] == []


def test_both_commands_start_with_declared_dependencies_only(everything: Path) -> None:
    for package in ("memoryos_gateway", "memoryos_worker"):
        version = _run(everything / "bin" / package.replace("_", "-"), "--version")
        assert project_table(package)["version"] in version


def test_nobody_installs_torch(everything: Path) -> None:
    installed = _installed(everything)
    assert {f"memoryos-{name}" for name in ("adapters", "core", "gateway", "ports", "worker")} <= installed
    assert not installed & {"torch", "sentence-transformers", "transformers", "onnx"}


def test_core_installs_without_adapters_and_web_framework(core_alone: Path) -> None:
    _run(core_alone / "bin" / "python", "-c", "import memoryos_core")
    assert not _installed(core_alone) & {"memoryos-adapters", "memoryos-gateway", "aiohttp", "litestar", "onnxruntime"}


def _uv() -> Path:
    found = shutil.which("uv", path=str(ROOT / ".tools" / "bin")) or shutil.which("uv")
    assert found, "uv is neither in .tools nor on the PATH: run `make test`"
    return Path(found)


def _environment(folder: Path, *wheels: Path) -> Path:
    """Install wheels, what they ask for, and nothing else; in the versions that all other tests run with."""
    _run(_uv(), "venv", "--quiet", "--no-project", folder)
    install: list[str | Path] = [_uv(), "pip", "install", "--quiet", "--python", folder / "bin" / "python"]
    _run(*install, "--constraints", ROOT / "requirements.lock", "--find-links", wheels[0].parent, *wheels)
    return folder


def _installed(environment: Path) -> set[str]:
    listing = _run(_uv(), "pip", "freeze", "--quiet", "--python", environment / "bin" / "python")
    return {re.split(r"[ =@]", line)[0].lower().replace("_", "-") for line in listing.splitlines()}


def _metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.parser.Parser().parsestr(archive.read(name).decode())


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=BUILD_TIMEOUT_S)
    assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
    return run.stdout
