"""The promise of a document store: small named values per scope, with versions."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from memoryos_ports.ids import Scope


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A value under (scope, kind, id). `version` counts its writes from 1; `body` is bytes of the writer's format."""

    kind: str
    id: str
    version: int
    body: bytes
    updated_at: datetime


DocumentKey: TypeAlias = tuple[str, str]
"""The kind and the id of a document."""

Change: TypeAlias = Callable[[bytes | None], bytes]
"""From the body of a document to its next one."""


@runtime_checkable
class DocumentStore(Protocol):
    """Documents of one scope never show in another.

    Raises UpstreamUnavailable or UpstreamTimeout when the store cannot be reached, StorageFull when its disk is
    full, MemoryDisabled (noop) for a write.
    """

    async def get(self, scope: Scope, kind: str, ids: Sequence[str]) -> dict[str, Document]:
        """Return those of the documents that exist, by id."""
        ...

    async def put(
        self, scope: Scope, kind: str, id: str, body: bytes, *, expected_version: int | None = None
    ) -> Document:
        """Write a document and return it as stored; durable on return.

        `expected_version` None overwrites whatever is there; 0 means that it must not exist yet; n that it must be
        at version n. Raises VersionConflict otherwise, and then nothing is changed.
        """
        ...

    async def update(self, scope: Scope, changes: Mapping[DocumentKey, Change]) -> None:
        """Replace documents by what pure functions make of them: all of them in one atomic step, durable on return.

        A change is given the body (None: there is no such document) and returns the new one; a body that stays the
        same is not written. It may be called again when somebody else was faster; what it raises comes out here, and
        then nothing is changed.
        """
        ...

    async def list_documents(self, scope: Scope, kind: str, *, limit: int, after: str | None = None) -> list[Document]:
        """Return up to `limit` documents of a kind in order of id, those after the id `after`."""
        ...

    async def delete(self, scope: Scope, kind: str, ids: Sequence[str]) -> int:
        """Delete documents; return how many existed."""
        ...

    async def erase(self, scope: Scope) -> int:
        """Remove every document of a scope, of every kind; return how many there were."""
        ...

    async def ping(self) -> None:
        """Return when the store answers; raise as above when it does not."""
        ...
