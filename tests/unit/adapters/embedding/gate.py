"""An encoder that stops at a gate, for tests of who waits for whom."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class GatedEncoder:
    """Gives each text the vector ``[len(text)]``, once the gate is open; `seen` are the texts of each encoding.

    `shut` names the texts at which the gate stands; `entered` is set when all of them have arrived there.
    """

    def __init__(self, *, shut: Sequence[str] = ()) -> None:
        self.seen: list[list[str]] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self._shut = set(shut)
        self._missing = set(shut)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode, or raise ValueError for the text ``bad``."""
        self.seen.append(list(texts))
        if self._shut.intersection(texts):
            self._missing.difference_update(texts)
            if not self._missing:
                self.entered.set()
            if not self.gate.wait(timeout=10):
                raise TimeoutError("the gate was never opened: is the event loop blocked?")
        if "bad" in texts:
            raise ValueError("bad")
        return np.array([[len(text)] for text in texts], np.float32)
