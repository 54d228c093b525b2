"""Errors that nobody foresaw, where something has to go on all the same."""

from loguru import logger


class Unforeseen:
    """Logs errors with their traceback, each kind of them once: what goes on may fail so every second."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._told: set[type[Exception]] = set()

    def note(self, exc: Exception) -> None:
        """Log the error if it is the first of its kind."""
        if type(exc) not in self._told:
            self._told.add(type(exc))
            logger.opt(exception=exc).error(self._message)
