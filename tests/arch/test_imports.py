"""What importing a package brings with it: core stands alone, imports stay cheap, nothing undeclared is used."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.arch.sources import PACKAGES, modules_of, project_table, source_dir

CORE_LIBRARIES = ("msgspec", "loguru", "numpy", "numpy.libs")

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
sys.path[:0] = {path!r}
for root in ("memoryos_ports", "memoryos_core"):
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + "."):
        importlib.import_module(module.name)
sys.stdout.write(" ".join({{name.partition(".")[0] for name in sys.modules}}))
"""


def test_core_and_ports_work_with_nothing_but_their_own_libraries(tmp_path: Path) -> None:
    for library in CORE_LIBRARIES:
        installed = _site_packages() / library
        if installed.exists():
            (tmp_path / library).symlink_to(installed)
    path = [str(source_dir("memoryos_core")), str(source_dir("memoryos_ports")), str(tmp_path)]

    loaded = _run_python("-I", "-S", "-c", IMPORT_EVERYTHING.format(path=path)).split()

    assert {name for name in loaded if name.startswith("memoryos_")} == {"memoryos_core", "memoryos_ports"}


@pytest.mark.parametrize("package", ["memoryos_ports", "memoryos_core"])
def test_importing_a_package_loads_no_heavy_library(package: str) -> None:
    loaded = set(_run_python("-c", f"import sys, {package}; sys.stdout.write(' '.join(sys.modules))").split())
    assert not loaded & {"numpy", "aiohttp", "onnxruntime", "litestar", "redis", "qdrant_client", "qdrant_edge"}


def test_reading_the_configuration_loads_no_adapter() -> None:
    code = "import sys, memoryos_adapters.configuration.loading; sys.stdout.write(' '.join(sys.modules))"
    loaded = _run_python("-c", code).split()
    assert "memoryos_adapters.llm_kinds" in loaded
    assert not [name for name in loaded if name.startswith(("memoryos_adapters.llm.", "aiohttp"))]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_declares(package: str) -> None:
    allowed = sys.stdlib_module_names | {package} | _declared_modules(package)
    found = [
        f"{module.path}:{line}: {name}"
        for module in modules_of(package)
        for name, line in _imported_roots(module.tree)
        if name not in allowed
    ]
    assert not found, "not in [project.dependencies]:\n" + "\n".join(found)


def test_ports_needs_nothing_but_msgspec() -> None:
    assert _declared_modules("memoryos_ports") == {"msgspec"}


def _declared_modules(package: str) -> set[str]:
    """Return the top-level modules that the dependencies (and extras) of a package bring."""
    table = project_table(package)
    extras = [entry for group in table.get("optional-dependencies", {}).values() for entry in group]
    declared = {_normal(re.split(r"[^A-Za-z0-9._-]", entry, maxsplit=1)[0]) for entry in table["dependencies"] + extras}
    siblings = {name for name in PACKAGES if _normal(name) in declared}
    return siblings | {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if not module.startswith("_") and declared & {_normal(owner) for owner in owners}
    }


def _imported_roots(tree: ast.Module) -> list[tuple[str, int]]:
    roots: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                roots += [(alias.name.partition(".")[0], node.lineno) for alias in names]
            case ast.ImportFrom(module=str(name), level=0):
                roots.append((name.partition(".")[0], node.lineno))
    return roots


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _site_packages() -> Path:
    return Path(importlib.metadata.distribution("msgspec").locate_file(""))  # type: ignore[arg-type]  # a SimplePath


def _run_python(*args: str) -> str:
    run = subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout
