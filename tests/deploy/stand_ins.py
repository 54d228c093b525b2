"""Programs that a script calls, replaced by stand-ins that write down how they were called."""

from pathlib import Path


class StandIns:
    """A directory for the front of PATH; `calls` is what was called so far, a line for each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "stand-ins"
        self._directory.mkdir()
        self._log = directory / "calls"

    @property
    def calls(self) -> list[str]:
        """How the stand-ins were called, in order."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def add(self, name: str, script: str = "") -> Path:
        """Make a program that writes its name and arguments down and then does what a bash script says."""
        file = self._directory / name
        file.write_text(f'#!/usr/bin/env bash\necho "{name} $*" >>"{self._log}"\n{script}\n')
        file.chmod(0o755)
        return file

    def before(self, path: str) -> str:
        """Return a PATH on which the stand-ins come first."""
        return f"{self._directory}:{path}"
