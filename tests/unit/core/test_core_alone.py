"""The core runs with its own package, the ports, and the two libraries it names, and nothing else."""

import subprocess
import sys
from pathlib import Path

import loguru
import msgspec
import pytest

from memoryos_core.memory.block import PREFACE

ROOT = Path(__file__).parents[3]
RUN = """
import runpy, sys
sys.path[:] = [path for path in sys.path if "site-packages" not in path] + sys.argv[2:]
runpy.run_path(sys.argv[1], run_name="__main__")
names = {name.partition(".")[0] for name in sys.modules}
print(sorted(name for name in names if name.startswith("memoryos_")))
"""


EXAMPLES = {
    "core_alone.py": [
        "<memoryos-recall>",
        PREFACE,
        '- 2026-11-22 09:30 user: "Walnuts make me ill"',
        "</memoryos-recall>",
    ],
    "own_model.py": ["You said: hello (default/echo/any)"],
}


@pytest.mark.parametrize(("example", "printed"), EXAMPLES.items())
def test_an_example_runs_on_core_and_ports_alone(example: str, printed: list[str], tmp_path: Path) -> None:
    for module in (msgspec, loguru):
        source = Path(module.__file__ or "").parent
        (tmp_path / source.name).symlink_to(source)
    paths = [ROOT / "packages" / name / "src" for name in ("memoryos_core", "memoryos_ports")]
    command = [sys.executable, "-I", "-S", "-c", RUN, str(ROOT / "examples" / example)]
    done = subprocess.run(
        [*command, *map(str, paths), str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [*printed, "['memoryos_core', 'memoryos_ports']"]
