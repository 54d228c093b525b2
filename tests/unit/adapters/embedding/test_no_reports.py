"""What the model's runtime leaves in the home of whoever runs it: nothing, since it has nothing to report."""

import os
import subprocess
import sys
from pathlib import Path

_LOAD = "from memoryos_adapters.embedding.encoder import MiniLmEncoder; MiniLmEncoder.load().encode(['tea'])"


def test_the_model_writes_nothing_into_the_home_directory(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}

    subprocess.run([sys.executable, "-c", _LOAD], env={**environ, "HOME": str(tmp_path)}, check=True, timeout=60)

    assert [*tmp_path.rglob("*")] == []
