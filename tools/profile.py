"""Draws a flame graph of the gateway: starts it in a temporary data directory, sends chats, records with py-spy."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

BIN = Path(sys.executable).parent
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0


def main() -> int:
    """Profile one bounded run; return the exit code."""
    args = _arguments()
    port = _free_port()
    with TemporaryDirectory() as data_dir, _recorded_gateway(port, data_dir=data_dir, output=args.output):
        _wait_until_ready(port)
        started = time.perf_counter()
        with ThreadPoolExecutor(args.users) as pool:
            list(pool.map(lambda number: _chat(port, number, users=args.users), range(args.chats)))
        elapsed_s = time.perf_counter() - started
    print(f"{args.chats} chats of {args.users} users in {elapsed_s:.1f} s, the recorder running; see {args.output}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=400, help="how many chats are sent (400)")
    parser.add_argument("--users", type=int, default=4, help="how many users talk at the same time (4)")
    parser.add_argument("--output", default="profile.svg", help="where the flame graph goes (profile.svg)")
    return parser.parse_args()


@contextmanager
def _recorded_gateway(port: int, *, data_dir: str, output: str) -> Iterator[None]:
    """Run the gateway below py-spy, which may watch its own children without any privilege on Linux."""
    ours = {"MEMORYOS__SERVER__PORT": str(port), "MEMORYOS_DATA_DIR": data_dir, "MEMORYOS__LOG__LEVEL": "warning"}
    command = [str(BIN / "py-spy"), "record", "--output", output, "--threads", "--"]
    gateway = [sys.executable, "-m", "memoryos_gateway", "serve"]
    recorder = subprocess.Popen([*command, *gateway], env=os.environ | ours)
    try:
        yield
    finally:
        recorder.send_signal(signal.SIGINT)  # py-spy writes its file and stops its child
        try:
            recorder.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            recorder.kill()
            raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _chat(port: int, number: int, *, users: int) -> None:
    """Send one chat, every second one streamed, and read the whole answer."""
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": f"I saw film number {number} in Lisbon; what did I see before?"}],
        "stream": number % 2 == 1,
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "X-User-ID": f"user{number % users}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


if __name__ == "__main__":
    sys.exit(main())
