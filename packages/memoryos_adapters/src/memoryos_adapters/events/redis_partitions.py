"""Where events are in Redis: the streams that the scopes are spread over, their keys, and the names of entries."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from memoryos_adapters.settings import WorkerSettings
from memoryos_ports.errors import ConfigurationError
from memoryos_ports.ids import Scope, scope_key

_MARK: Final = "@"
_HANDLE: Final = re.compile(rf"([0-9]{{1,20}}-[0-9]{{1,20}})(?:{_MARK}([0-9]{{1,4}}))?")
_ID_END: Final = 2**64


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """A stream and what belongs to it; `number` counts from 0."""

    number: int
    stream: str
    group: str
    suffix: str

    @property
    def letters(self) -> str:
        """The stream of the dead letters."""
        return f"{self.stream}:dlq"

    @property
    def keys(self) -> tuple[str, str, str, str]:
        """The stream, its dead letters, and of the group the due times and attempts of left entries."""
        return self.stream, self.letters, f"{self.stream}:due:{self.group}", f"{self.stream}:attempts:{self.group}"

    def handle(self, entry: str) -> str:
        """Return the log's name of an entry."""
        return entry + self.suffix


class Partitions(Sequence[Partition]):
    """The partitions of a log. One has the stream's name, more of them ``{NAME.k}``; a scope stays in one of them."""

    def __init__(self, settings: WorkerSettings, *, is_cluster: bool) -> None:
        name, count = settings.stream, settings.partitions
        if is_cluster and not _has_hash_tag(name):
            raise ConfigurationError([f"worker.stream: {name!r} needs a hash tag in a cluster, as in {{{name}}}"])
        streams = [name] if count == 1 else [f"{{{name.strip('{}')}.{number}}}" for number in range(count)]
        self._partitions = tuple(
            Partition(
                number=number, stream=stream, group=settings.group, suffix="" if count == 1 else f"{_MARK}{number}"
            )
            for number, stream in enumerate(streams)
        )

    def __len__(self) -> int:
        return len(self._partitions)

    def __getitem__(self, at: int) -> Partition:  # type: ignore[override]  # slices are not used
        return self._partitions[at]

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._partitions)

    def of(self, scope: Scope) -> Partition:
        """Return the partition that holds the events of a scope."""
        return self._partitions[int(scope_key(scope)[:8], 16) % len(self._partitions)]

    def rotated(self, start: int) -> tuple[Partition, ...]:
        """Return all of them, beginning with another one each time that `start` is."""
        at = start % len(self._partitions)
        return self._partitions[at:] + self._partitions[:at]

    def locate(self, handle: str) -> tuple[Partition, str] | None:
        """Return the partition and the entry that a handle names; None for what names none."""
        found = _HANDLE.fullmatch(handle)
        if found is None or any(int(part) >= _ID_END for part in found.group(1).split("-")):
            return None
        at = int(found[2] or 0)
        return (self._partitions[at], found[1]) if at < len(self._partitions) else None


def _has_hash_tag(name: str) -> bool:
    start = name.find("{")
    return start >= 0 and name.find("}", start + 2) > start
