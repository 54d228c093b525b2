"""What a gateway keeps itself: all of memory, an outbox, or nothing, as the profile says."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

from memoryos_adapters.data_directory import DataDirectory, Holder, open_data_directory, read_holder
from memoryos_adapters.profiles.adapters import Adapters
from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import Settings


def keeps_files(settings: Settings) -> bool:
    """Return whether a gateway needs a data directory: on the server profile only for its outbox."""
    return settings.storage.profile != "server" or settings.storage.outbox


@contextmanager
def hold_data_directory(settings: Settings) -> Iterator[DataDirectory | None]:
    """Hold the data directory until the block ends; None where none is needed.

    Raises ConfigurationError as `open_data_directory` does.
    """
    if not keeps_files(settings):
        yield None
        return
    with open_data_directory(settings.data_dir) as directory:
        yield directory


def holder_of(settings: Settings) -> Holder | None:
    """Return who holds the data directory now; None when nobody does, or none is needed."""
    return read_holder(settings.data_dir) if keeps_files(settings) else None


def adapters_in(settings: Settings, directory: DataDirectory | None) -> AbstractAsyncContextManager[Adapters]:
    """Open the adapters, with their files in the directory."""
    if directory is None:
        return open_adapters(settings)
    return open_adapters(settings, database=directory.database, index=directory.index, outbox=directory.outbox)
