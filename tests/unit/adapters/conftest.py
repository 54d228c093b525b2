"""What tests of adapters watch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from loguru import logger

if TYPE_CHECKING:
    from loguru import Message


@pytest.fixture
def tracebacks() -> Iterator[list[str]]:
    """The errors whose tracebacks are logged."""
    seen: list[str] = []

    def note(message: "Message") -> None:
        if (exception := message.record["exception"]) is not None:
            seen.append(repr(exception.value))

    sink = logger.add(note)
    yield seen
    logger.remove(sink)
