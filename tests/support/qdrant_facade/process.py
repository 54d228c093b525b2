"""The facade as a process of its own, which a test starts, kills and starts again on the same port.

::

    with running_facade(tmp_path) as facade:
        ...  # talk to facade.url
        facade.kill()
        facade.start()
"""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STOP_S = 20.0

_LISTENS = re.compile(r"^qdrant facade listens on (http://\S+:(\d+))$")
_ROOT = Path(__file__).parents[3]


class QdrantFacade:
    """A facade over a directory; made by `running_facade`. Starting blocks for a second."""

    def __init__(self, directory: Path, *, api_key: str | None = None) -> None:
        self._directory, self._api_key = directory, api_key
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.url = ""

    def start(self) -> None:
        """Start it, at its second start on the port of the first; return when it answers."""
        key = [] if self._api_key is None else ["--api-key", self._api_key]
        module = [sys.executable, "-m", "tests.support.qdrant_facade"]
        command = [*module, "--port", str(self._port), "--path", str(self._directory), *key]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        listens = _LISTENS.match(self._process.stdout.readline())
        assert listens is not None, "the facade did not start"
        self.url, self._port = listens[1], int(listens[2])

    def stop(self) -> int:
        """Let it flush and end; return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, such as SIGSTOP, which leaves its callers without an answer."""
        assert self._process is not None, "the facade does not run"
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        with self._process as process:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)  # one that was stopped would never end
            code = process.wait(STOP_S)
        self._process = None
        return code


@contextmanager
def running_facade(directory: Path, *, api_key: str | None = None) -> Iterator[QdrantFacade]:
    """Run a facade over a directory, ended at the end."""
    facade = QdrantFacade(directory, api_key=api_key)
    facade.start()
    try:
        yield facade
    finally:
        facade.kill()
