"""A way to hold up the writer's thread, so that jobs wait behind each other."""

import asyncio
import sqlite3
import threading

PATIENCE_S = 10.0


class Gate:
    """A job that keeps the writer busy until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._entered = threading.Event()

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Wait, in the writer's thread, for the opening."""
        self._entered.set()
        assert self._open.wait(PATIENCE_S)

    async def entered(self) -> None:
        """Wait until the writer is held up."""
        assert await asyncio.to_thread(self._entered.wait, PATIENCE_S)

    def open(self) -> None:
        """Let the writer go on."""
        self._open.set()
